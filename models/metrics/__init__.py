"""Metrics with intervals: ranking, calibration, profit, by subgroup and over time.

All take the same rows and weights, so figures of two models can be compared.
"""
