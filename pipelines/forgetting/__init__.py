"""Erasing one customer from everything that is kept and published."""
