"""Health checks of an installation: disk, clock, sources, registry, Prefect.

Read only; each finding says what to do next.
"""
