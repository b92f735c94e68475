"""The classifier: cleaning, features, training, scoring and evaluation. Plain Python, no Django.

Importing this package is cheap. Only most of `training` and of `evaluation` need scikit-learn, scipy or nltk, and they
are imported where they are used: a process that only scores loads numpy and nothing larger.
"""
