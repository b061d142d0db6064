"""Erasure of one customer: rows, publications and caches (GDPR article 17).

Every place that holds a customer has a function here.
"""
