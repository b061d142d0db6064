"""Explanation of one customer: source rows behind each number, and the customer's own letter.

Numbers are derived again from the snapshot that the night used.
"""
