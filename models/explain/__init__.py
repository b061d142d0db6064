"""Explanations: SHAP contributions by driver, and the risk without a driver.

Contributions are in log-odds and add up to the probability that is published.
"""
