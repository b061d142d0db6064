"""Publications read back: risk, lane and nights on the list of each customer, by as-of date.

Each is verified once: a night hashes every file of an earlier one, which takes time.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from features.errors import PublicationError
from pipelines.config.lists import EXCEL
from pipelines.lists.worklists import WORKLISTS
from pipelines.publication.reader import complete, days_of, publications_of
from pipelines.runtime.atomic_files import storage_errors

_WEEK, _TWO_WEEKS = timedelta(days=7), timedelta(days=14)
_NAMES = ("customer_id", "churn_probability", "lane", "lane_rule", "nights_on_list")
_ALSO = ("reason_1_driver", "team")
_READ_COLUMNS = (
    *("risk_rank", "customer_id", "product_line", "churn_probability", "risk_band"),
    *("reason_1_text", "reason_2_text", "reason_3_text", "protective_1_text"),
)


@dataclass(frozen=True, slots=True)
class PublishedNight:
    """An earlier night: ``rows`` by customer, with ``described`` of its manifest.

    ``rows`` has ``churn_probability``, ``lane``, ``lane_rule``, ``nights_on_list`` and, where the
    night explained anybody, ``reason_1_driver``, and where it split its worklists, ``team``.
    """

    as_of: date
    rows: pd.DataFrame
    described: dict[str, object]


@dataclass(frozen=True, slots=True)
class Before:
    """The night before, and the one of a week ago; None where there is none."""

    last: PublishedNight | None = None
    week_ago: PublishedNight | None = None


def read_before(out: Path, as_of: date) -> Before:
    """The newest complete publications before ``as_of``, and 7 to 13 days before it.

    A damaged publication does not count, and one without lanes counts as none.
    """
    night_of = cache(partial(_read, out))
    days = sorted((day for day in days_of(out) if day < as_of), reverse=True)
    week = [day for day in days if _WEEK <= as_of - day < _TWO_WEEKS]
    last, week_ago = (next(filter(None, map(night_of, some)), None) for some in (days, week))
    return Before(last, week_ago)


def _read(out: Path, day: date) -> PublishedNight | None:
    try:
        publication, manifest = next(complete(publications_of(out, day)))
        path = publication.folder / "risk_list.parquet"
        with storage_errors(f"read {path}"):
            columns = pq.read_schema(path).names
            if not set(_NAMES).issubset(columns):
                return None
            names = [name for name in (*_NAMES, *_ALSO) if name in columns]
            rows = pd.read_parquet(path, columns=names).set_index("customer_id")
    except (PublicationError, StopIteration):
        return None
    return PublishedNight(day, rows, manifest["stille"])


def top_rows(folder: Path, count: int = 10) -> list[dict[str, Any]]:
    """The first rows of a published risk list; None where a value is null."""
    rows = pq.read_table(folder / "risk_list.parquet").slice(0, count)
    names = [name for name in _READ_COLUMNS if name in rows.column_names]
    return list(rows.select(names).to_pylist())


def first_language(folder: Path) -> str:
    """The language of the lists that have none in their names; "" where there are no worklists."""
    named = {path.name.split(".")[2] for path in folder.glob("worklist.*")}
    found = (each for each in named if not (folder / f"risk_list.{each}.parquet").exists())
    return next(found, "")


def call_rows(folder: Path, language: str, count: int) -> list[dict[str, Any]]:
    """The first rows of a published call list as people read it, by column of ``WORKLISTS``.

    Of the first team's where the work is split; none where no worklists are published.
    """
    path = min(folder.glob(f"worklist.call.{language}*{EXCEL.ending}"), default=None)
    if path is None:
        return []
    rows = pd.read_csv(path, sep=EXCEL.separator, encoding="utf-8-sig", dtype="str", nrows=count)
    cells = rows.fillna("").to_numpy().tolist()
    return [dict(zip(WORKLISTS["call"], row, strict=True)) for row in cells]
