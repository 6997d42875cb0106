"""Image arrays: reading, resizing, colour, degradations. Pixels are uint8 H x W x 3 RGB unless stated otherwise."""
