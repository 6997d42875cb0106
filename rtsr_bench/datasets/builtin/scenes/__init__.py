"""One module a kind of picture; each function without arguments draws one picture as uint8 H x W x 3 RGB."""
