"""Every feature again, slowly and from its documentation, to compare the SQL with.

Future rows and values not yet revealed are removed first; only then is anything computed, one
customer at a time.
"""

from collections.abc import Collection
from datetime import date
from typing import Any

from companies import AT_ONCE, VERSIONED, Company, Delays

from oracle import (
    billing,
    channel,
    combined,
    effort,
    information,
    price,
    relationship,
    satisfaction,
    support,
)
from oracle.view import View, see

_FAMILIES = (
    billing,
    price,
    support,
    effort,
    information,
    channel,
    satisfaction,
    relationship,
)


def expected(
    rows: Company,
    customer: str,
    as_of: date,
    zone: str,
    delays: Delays = AT_ONCE,
    versioned: Collection[str] = VERSIONED,
) -> dict[str, Any]:
    """The value of every feature and fact, by name, for one customer and as-of date."""
    view = see(rows, customer, as_of, zone, delays, versioned)
    values: dict[str, Any] = {}
    for family in _FAMILIES:
        values |= family.features(view)
    return values | combined.features(view, values)


__all__ = ["View", "expected", "see"]
