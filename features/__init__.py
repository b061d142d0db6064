"""The data contract and point-in-time features: functions from tables to tables.

No clock, file, network or scheduler below this package; the as-of date is an argument.
"""

__all__ = [
    "catalog",
    "contract",
    "errors",
    "families",
    "feature",
    "labels",
    "matrix",
    "timeline",
    "treatments",
]
