"""Gradient-boosted trees (LightGBM): hyperparameters, native text, fingerprint.

Boosters travel as LightGBM's own text and are checked by a fingerprint; no pickle is ever read.
"""
