"""Baselines: what a churn model must beat on the same rows.

Base rate, one rule, logistic regression and price alone; `suite` fits and scores all.
"""
