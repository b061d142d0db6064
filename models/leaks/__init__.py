"""Target leakage: columns that know the outcome.

Each detector looks for one way in which a column can know; `verdict` puts them together.
"""
