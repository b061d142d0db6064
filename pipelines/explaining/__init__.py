"""Explanation of a customer's published score: contributions, source rows, counterfactuals.

``explain_customer`` is for the company, ``letter_to`` answers the customer.
"""
