"""The page and tables of `stille check`.

Tells all that is wrong at once, also when some tables are refused.
"""
