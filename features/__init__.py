"""The data contract and point-in-time features: functions from tables to tables.

No clock, network, scheduler or file but the contract's own; the as-of date is an argument.
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
