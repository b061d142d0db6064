"""Snapshots: the checked input tables of one run, by shard, and their gates; they never change."""

__all__ = ["gates", "snapshot", "store"]
