"""Feature matrices on disk: built by shard and date, stored, read and gated.

Past dates are kept, so that only new features are computed for them.
"""
