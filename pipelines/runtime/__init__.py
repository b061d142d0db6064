"""The process around a run: clock, environment, record, progress, files, DuckDB, keys.

Everything impure that has no domain knowledge; it knows no settings.
"""
