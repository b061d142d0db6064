"""Input snapshots: tables loaded, profiled, gated and written by shard."""
