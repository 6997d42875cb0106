"""The metrics that are shipped: one module each, which registers itself when it is imported."""
