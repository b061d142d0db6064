"""Checker of published sentences: each is derived again from the company's own source rows.

It reads English as a person does: a pattern a sentence, a few lines of plain Python a pattern. None
of the product's features, facts or templates is used, so that a fault there is not repeated here.
"""
