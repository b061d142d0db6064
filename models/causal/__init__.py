"""Causal effects of contact: effect between the arms, uplift and its value, treated rows.

Kept apart from the churn model: who is likely to leave and whom a contact helps are two
questions.
"""

__all__ = ["policy_value", "sleeping_dogs", "treated_rows", "treatment_effect", "uplift"]
