"""Training: the built-in encoder unpacked, and the one training loop."""
