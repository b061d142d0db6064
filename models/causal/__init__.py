"""Causal effects of contact: effect between the arms, uplift and its value, the lot, treated rows.

Kept apart from the churn model: who is likely to leave and whom a contact helps are two
questions.
"""
