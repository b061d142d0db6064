"""Gradient-boosted trees (LightGBM): hyperparameters, native text, sampling of negatives.

Boosters travel as LightGBM's own text and are checked by a fingerprint; no pickle is ever read.
"""

__all__ = ["fingerprint", "hyperparameters", "negative_sampling", "text_format"]
