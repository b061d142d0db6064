"""Comparison of two logged training runs: differences, charts and a page.

``compare`` is the face.
"""
