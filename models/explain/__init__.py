"""Explanations: SHAP contributions by driver, and the risk without a driver."""
