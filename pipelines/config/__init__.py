"""Settings: YAML composed into frozen values, checked before anything runs.

Every problem is collected with its place; texts of `configs/` are read here too.
"""
