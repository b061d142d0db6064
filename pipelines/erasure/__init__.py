"""Erasure of one customer from every place that holds one: rows, publications, caches."""

__all__ = ["forget"]
