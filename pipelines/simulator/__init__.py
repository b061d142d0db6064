"""The simulated company: tables with the rule by which its customers leave.

Its truth lies beside the tables and is never read by the product.
"""
