"""The checked input tables of one run: loaded, measured, gated and written by shard."""
