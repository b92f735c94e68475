"""Google's Perspective API on our models, reviews and keys. What differs: docs/perspective.md."""
