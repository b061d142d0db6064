"""Explanation of one customer: source rows behind each number, and the customer's own letter."""
