"""Training: examples, evaluation on later months, fit, artifacts and promotion.

No model is evaluated on rows that it was chosen on.
"""
