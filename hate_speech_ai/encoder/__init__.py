"""A small encoder: a text as a vector, which stands beside TF-IDF in the same logistic regression."""
