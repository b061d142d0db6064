"""What earlier nights published: who was called for, in which lane, and at which risk."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from features.errors import PublicationError
from pipelines.published import Publication, newest_of, verify
from pipelines.storage import storage_errors

_WEEK, _TWO_WEEKS = timedelta(days=7), timedelta(days=14)
_NAMES = ("customer_id", "churn_probability", "lane", "lane_rule", "nights_on_list")
_ALSO = ("reason_1_driver",)


@dataclass(frozen=True, slots=True)
class Night:
    """An earlier night: ``rows`` by customer, with ``described`` of its manifest.

    ``rows`` has ``churn_probability``, ``lane``, ``lane_rule``, ``nights_on_list`` and, where the
    night explained anybody, ``reason_1_driver``.
    """

    as_of: date
    rows: pd.DataFrame
    described: dict[str, object]


@dataclass(frozen=True, slots=True)
class Before:
    """The night before, and the one of a week ago; None where there is none."""

    last: Night | None = None
    week_ago: Night | None = None


def read_before(out: Path, as_of: date) -> Before:
    """The newest complete publications before ``as_of``, and 7 to 13 days before it.

    A damaged publication does not count, and one without lanes counts as none.
    """
    last = next(_nights(out, as_of - timedelta(days=1), date.min), None)
    week_ago = next(_nights(out, as_of - _WEEK, as_of - _TWO_WEEKS + timedelta(days=1)), None)
    return Before(last, week_ago)


def _nights(out: Path, newest: date, oldest: date) -> Iterator[Night]:
    days = (_day(path.name) for path in out.glob("????-??-??"))
    for day in sorted((d for d in days if d is not None and oldest <= d <= newest), reverse=True):
        publication = newest_of(out, day)
        night = None if publication is None else _read(publication)
        if night is not None:
            yield night


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def _read(publication: Publication) -> Night | None:
    path = publication.folder / "risk_list.parquet"
    try:
        described = verify(publication.folder)["stille"]
        with storage_errors(f"read {path}"):
            there = pq.read_schema(path).names
            if not set(_NAMES).issubset(there):
                return None
            names = [name for name in (*_NAMES, *_ALSO) if name in there]
            rows = pd.read_parquet(path, columns=names).set_index("customer_id")
    except (PublicationError, KeyError, TypeError):
        return None
    return Night(publication.as_of, rows, described)
