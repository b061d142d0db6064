"""Comparison of two model versions, as a page.

What differs between two runs is read from MLflow alone, so any two can be compared.
"""
