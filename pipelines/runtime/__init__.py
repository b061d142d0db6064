"""The process around a run: clock, record, progress, files, DuckDB, keys; it knows no settings."""
