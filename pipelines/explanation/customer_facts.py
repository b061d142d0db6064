"""Facts of one customer for an agent: lane, reasons, what to do, the story, earlier scores.

The terminal's answer, the page and the folder of pages show these; nothing is about others.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.config.settings import Settings
from pipelines.explanation.story import PageWords, story_of
from pipelines.lists.actions import load_actions
from pipelines.lists.inbound import in_words
from pipelines.lists.risk_list import SLOTS
from pipelines.publication.bucket import fetch
from pipelines.publication.reader import days_of, publications_of
from pipelines.snapshots.snapshot import Snapshot

_NIGHTS = timedelta(days=90)
_SCORE = ["customer_id", "churn_probability", "lane"]


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """``row``: the published columns, with ``do``, ``review`` and ``do_not_text`` in words.

    ``reasons`` are the slots with a sentence (slot, driver, text, contribution); those about the
    household are left out, and ``household`` says that there was one. ``nights`` has as_of,
    churn_probability and lane, oldest first, this one included; ``story`` as ``story_of``.
    """

    row: Mapping[str, Any]
    reasons: tuple[Mapping[str, Any], ...]
    household: bool
    nights: pd.DataFrame
    story: pd.DataFrame


def customer_facts(
    settings: Settings, snapshot: Snapshot, as_of: date, rows: pd.DataFrame, wording: PageWords
) -> list[CustomerFacts]:
    """Facts of the customers of ``rows`` (of a risk list), in their order."""
    ids = rows["customer_id"].tolist()
    story = story_of(settings, snapshot, as_of, ids, wording)
    nights = pd.concat([_nights(settings.paths.out, as_of, ids), rows[_SCORE].assign(as_of=as_of)])
    stories, scores = (dict(iter(each.groupby("customer_id"))) for each in (story, nights))
    words = in_words(rows, load_actions(), wording.language)
    rows = rows.join(words.rename(columns={"do_not": "do_not_text"})).astype(object)
    rows = rows.where(rows.notna(), None).set_index("customer_id", drop=False)
    found = []
    for own in ids:
        row = {str(name): value for name, value in rows.loc[own].items()}
        names = "driver", "text", "contribution"
        slots = [
            {"slot": slot, **{name: row.get(f"{slot}_{name}") for name in names}}
            for slot, _ in SLOTS
        ]
        reasons = tuple(slot for slot in slots if slot["text"] and slot["driver"] != "household")
        household = any(slot["driver"] == "household" for slot in slots)
        events = stories.get(own, story[:0])
        found.append(CustomerFacts(row, reasons, household, scores[own], events))
    return found


def _nights(out: Path, as_of: date, ids: Collection[str]) -> pd.DataFrame:
    """What earlier nights published; a file that its page checksums find damaged does not count."""
    found = [pd.DataFrame(columns=[*_SCORE, "as_of"])]
    for day in sorted(day for day in days_of(out) if as_of - _NIGHTS <= day < as_of):
        for publication in publications_of(out, day)[:1]:
            path, only = publication.folder / "risk_list.parquet", [("customer_id", "in", ids)]
            fetch(publication.folder, [path.name])
            with suppress(OSError, pa.ArrowException):
                read = pq.read_table(
                    path, columns=_SCORE, filters=only, page_checksum_verification=True
                )
                found.append(read.to_pandas().assign(as_of=day))
    return pd.concat(found)
