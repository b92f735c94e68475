"""Making the encoder's weights. Needs torch and transformers, which nothing else here does."""
