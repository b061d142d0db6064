"""Baselines: what a churn model must beat on the same rows.

Base rate, one rule, logistic regression, price alone and splines; `suite` fits and scores all.
"""
