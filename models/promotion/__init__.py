"""Promotion: whether a version may become champion.

Each rule is a small check with its figure, so that a refusal says which one and by how much.
"""
