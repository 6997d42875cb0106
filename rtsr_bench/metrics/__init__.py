"""The metrics (`members`, one file each) and the code that computes them from SR and HR."""
