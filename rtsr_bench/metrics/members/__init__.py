"""The shipped metrics: one module each, which registers itself when it is imported."""
