"""Feature matrices on disk: built by shard and date, stored, read and gated."""
