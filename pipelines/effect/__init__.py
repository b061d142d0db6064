"""Measurement of the effect of contact, from publications and outcomes.

Arms are read from what was published, so that nobody can redraw them afterwards.
"""
