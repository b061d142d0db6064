"""Statistical learning on matrices: functions from tables to tables.

No clock, file, network or tracking below this package; `docs/architecture.md` has its layers.
"""
