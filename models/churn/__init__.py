"""The churn model: averaged boosters, their calibration, fitting and serialization.

`fit` returns a `ChurnModel`; nothing else in the project makes one.
"""
