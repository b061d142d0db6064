"""Customer story: dated events in words, from the rows that were known at an as-of date.

Which rows make an event is declared in ``configs/story.yaml``, its words in ``configs/pages/``.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, cast

import pandas as pd
from pydantic import RootModel

from features.contract import TABLES, Column, Table
from features.errors import ConfigError
from features.timeline import local_day, midnight_utc
from pipelines.config.sections import Section
from pipelines.config.settings import Settings
from pipelines.config.text_files import STORY, load_checked, text_file
from pipelines.explanation.evidence import as_known
from pipelines.lists.templates import Placeholder, load_templates, parse
from pipelines.lists.wording import FORMATS, FactType, Style, words
from pipelines.runtime.duckdb_connection import connect
from pipelines.snapshots.facts import shards_of
from pipelines.snapshots.snapshot import Snapshot

DAYS = 365
_OF_OTHERS = ("households", "household_notices")
_COLUMNS = ("customer_id", "moment", "day", "row", "bad", "size", "text")


class Event(Section):
    """Rows of ``table`` that make an event at their ``at``; configs/story.yaml says the rest."""

    table: str
    at: str
    row: str
    bad: bool = False
    always: bool = False
    size: str | None = None
    when: Mapping[str, tuple[bool | str | None, ...]] = {}
    above: Mapping[str, float | str] = {}


class PageTexts(Section):
    """Texts of one language: of the page, and by rule, line of the picture, value and event."""

    page: Mapping[str, str]
    rules: Mapping[str, str]
    rows: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    story: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PageWords:
    """What a page is written with in one language; ``events`` by code."""

    language: str
    events: Mapping[str, Event]
    texts: PageTexts
    style: Style
    currency: str

    def word(self, value: object, kind: FactType, form: str, fact: str = "") -> str:
        """A value of a fact, written as ``form``."""
        return str(words(pd.Series([value]), fact, kind, form, self.style, self.currency)[0])


def load_words(settings: Settings, language: str) -> PageWords:
    """Events and words of a language; raises ``ConfigError`` listing what is wrong in them."""
    path = text_file("pages", language)
    events = load_checked(STORY, RootModel[Mapping[str, Event]], "the events of a story").root
    texts = load_checked(path, PageTexts, "a page's texts")
    faults = [f"{code}: {fault}" for code in events for fault in _faults(events[code], texts, code)]
    if faults:
        raise ConfigError(f"{STORY} and {path} have faults:\n  " + "\n  ".join(faults))
    style = load_templates(text_file("reasons", language)).style
    style = replace(style, values={**style.values, **texts.values})
    return PageWords(language, events, texts, style, settings.company.currency)


def _faults(event: Event, texts: PageTexts, code: str) -> Iterator[str]:
    table = TABLES.get(event.table)
    if table is None or not table.per_customer or event.table in _OF_OTHERS:
        yield f"{event.table!r} is no table of the customer's own"
    elif code not in texts.story or event.row not in texts.rows:
        yield f"no text, or no line {event.row!r} of the picture"
    else:
        forms = {column.name: FORMATS.get(_kind(column), ()) for column in table.columns}
        bounds = [bound for bound in (event.size, *event.above.values()) if isinstance(bound, str)]
        used = {event.at, *event.when, *event.above, *bounds}
        yield from (f"no column {name!r}" for name in sorted(used - forms.keys()))
        for part in parse(re.sub(r"[\[\]]", "", texts.story[code])):
            if isinstance(part, Placeholder) and part.form not in forms.get(part.fact, ()):
                yield f"no {part.fact!r} that is written as {part.form!r}"


def story_of(
    settings: Settings, snapshot: Snapshot, as_of: date, ids: Collection[str], page: PageWords
) -> pd.DataFrame:
    """Events of the customers ``ids`` before ``as_of``, latest first within each customer.

    Columns customer_id, moment (naive UTC), day (local), row, bad, size (null but for bars) and
    text. A row counts as it was known then: its newest version, ``as_known``. Of those of one row
    and moment, the first declared counts. Events older than ``DAYS`` count only if ``always``.
    """
    zone, found = settings.company.timezone, []
    now, first = midnight_utc(as_of, zone), midnight_utc(as_of - timedelta(days=DAYS), zone)
    with connect(settings.engine, settings.paths.spill) as con:
        con.register("wanted", pd.DataFrame({"customer_id": [*ids]}, dtype="str"))
        for name in dict.fromkeys(event.table for event in page.events.values()):
            if name not in snapshot.tables:
                continue
            table, delay = TABLES[name], settings.delays().get(name, 0)
            key = ", ".join(table.key)
            source = shards_of(snapshot.root, name)
            rows = con.sql(
                f"select distinct on ({key}) * from {source} where customer_id in "
                f"(select customer_id from wanted) and known_at < ? order by {key}, known_at desc",
                params=[now],
            )
            for given in rows.to_arrow_table().to_pylist():
                known = as_known(table, given, now, zone, delay)
                row: dict[str, Any] = {**known.key, **known.values}
                spoken: set[str] = set()
                for code, event in page.events.items():
                    if event.table != name or event.at in spoken or not _holds(event, row):
                        continue
                    day, text = row[event.at], _say(page.texts.story[code], row, table, page)
                    moment = day if isinstance(day, datetime) else midnight_utc(day, zone)
                    if text and moment < now and (event.always or moment >= first):
                        spoken.add(event.at)
                        size = row.get(event.size) if event.size else None
                        day = pd.Timestamp(local_day(moment, zone))
                        own = given["customer_id"]
                        found.append((own, moment, day, event.row, event.bad, size, text))
    # Of what happened at one moment, what the story declares last comes first.
    story = pd.DataFrame(found[::-1], columns=_COLUMNS).astype({"size": "float64"})
    return story.sort_values(
        ["customer_id", "moment"], ascending=[True, False], kind="stable", ignore_index=True
    )


def _holds(event: Event, row: Mapping[str, Any]) -> bool:
    bounds = {n: row.get(b) if isinstance(b, str) else b for n, b in event.above.items()}
    return (
        row.get(event.at) is not None
        and all(row.get(name) in values for name, values in event.when.items())
        and all(None not in (row.get(n), b) and row[n] > b for n, b in bounds.items())
    )


def _kind(column: Column) -> FactType:
    """As what a value is written; nothing writes an instant or a flag."""
    whole = "seconds" if column.unit == "s" else "count"
    return cast(FactType, whole if column.type == "integer" else column.type)


def _say(text: str, row: Mapping[str, Any], table: Table, page: PageWords) -> str | None:
    """The text, None where it quotes a null; what stands in brackets is left out then."""

    def word(part: str | Placeholder) -> str | None:
        if isinstance(part, str) or row.get(part.fact) is None:
            return part if isinstance(part, str) else None
        kind = _kind(table.column(part.fact))
        return page.word(row[part.fact], kind, part.form, part.fact)

    pieces = [[*map(word, parse(piece))] for piece in re.split(r"[\[\]]", text)]
    if any(None in piece for piece in pieces[::2]):
        return None
    return "".join("".join(map(str, piece)) for piece in pieces if None not in piece)
