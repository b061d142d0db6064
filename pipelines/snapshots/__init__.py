"""Snapshots: the checked input tables of one run, by shard, and their gates.

A snapshot never changes while a run reads it, whatever happens to the sources.
"""
