"""Causal effects of contact: effect between the arms, uplift, the lot, treated rows and hazards.

Kept apart from the churn model: who is likely to leave and whom a contact helps are two
questions.
"""

__all__ = ["lot", "treated_rows", "treatment_effect", "uplift"]
