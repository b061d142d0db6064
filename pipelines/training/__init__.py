"""Training: examples, evaluation on later months, fit, artifacts and promotion.

What judges a model is never what it was chosen on.
"""

__all__ = ["evaluation", "examples", "result"]
