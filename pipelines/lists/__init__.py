"""Ranked customer lists of a night: placement in lanes, reasons in words, actions, and holdout.

``night_lists`` writes them; ``docs_page`` describes their columns.
"""
