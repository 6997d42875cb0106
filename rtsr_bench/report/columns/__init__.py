"""The shipped columns of leaderboards: one module per heading, registered when it is imported."""
