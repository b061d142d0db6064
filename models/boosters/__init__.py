"""Gradient-boosted trees (LightGBM): hyperparameters, native text, fingerprint."""
