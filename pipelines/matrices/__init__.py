"""Matrices on disk: built shard by shard, kept by as-of date, lent to runs."""
