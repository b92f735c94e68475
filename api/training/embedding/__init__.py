"""What the encoder makes of the rows of a training."""
