"""Are two models different, and by how much? Timed in turns in one session, or read from two records."""
