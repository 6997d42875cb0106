"""The columns of leaderboards that are shipped: one module for each heading, registered when it is imported."""
