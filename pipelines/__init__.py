"""The moving parts: sources, disk, MLflow, Prefect and the command line around the core.

Packages import downwards only; `docs/architecture.md` has the layers.
"""
