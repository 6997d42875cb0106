"""What compares an SR image with HR: the metrics (`members`, one file each) and the code that computes them."""
