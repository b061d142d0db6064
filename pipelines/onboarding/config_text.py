"""YAML of a drafted configuration, with a comment where a person has to decide."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from pipelines.config.sources import FORMATS, Dialect
from pipelines.onboarding.draft import Draft, FileGroup, unused
from pipelines.onboarding.matching import Match
from pipelines.onboarding.sampling import FileSample

_HEAD = "# Drafted by stille init. Read every line, then: stille check --config <this file>\n"
_NUMBERS = ("money", "price", "number", "integer")


@dataclass(frozen=True, slots=True)
class Firm:
    """What no file tells: whose tables these are."""

    name: str
    timezone: str
    currency: str
    language: str


@dataclass(frozen=True, slots=True)
class SnapshotDay:
    """The day that a flat table shows, and the days after it in which its leavers left."""

    day: date
    horizon_days: int


def config_text(
    folder: Path,
    home: Path,
    drafts: Sequence[Draft],
    firm: Firm,
    today: date,
    snapshot_day: SnapshotDay | None,
) -> str:
    """The whole configuration, as a file in ``home``; ``drafts`` have customers among them.

    The company's dialect is what most of the tables have, key by key.
    """
    dialects = [_dialect(draft) for draft in drafts]
    common = {}
    for key in dict.fromkeys(key for each in dialects for key in each):
        values = [each[key] for each in dialects if key in each]
        common[key] = max(values, key=values.count)
    slug = "".join(sign if sign.isalnum() else "_" for sign in firm.name.lower())
    paths = {"data": folder, "var": Path("var", slug), "out": Path("out", slug)}
    document: dict[str, Any] = {
        "company": asdict(firm),
        "paths": {
            name: str(path) if path.is_absolute() else os.path.relpath(path, home)
            for name, path in paths.items()
        },
    }
    dialect = _difference(common, Dialect().model_dump(mode="json"))
    if dialect:
        document["dialect"] = dialect
    pairs = zip(drafts, dialects, strict=True)
    sources = "".join(_source(draft, own, common, snapshot_day) for draft, own in pairs)
    return f"{_HEAD}{_yaml(document)}\nsources:\n{sources}\n{_periods(today, snapshot_day)}"


def _periods(today: date, snapshot_day: SnapshotDay | None) -> str:
    """The sections on time: one day and its horizon, or past months of dated events."""
    if snapshot_day is None:
        training = {"training": {"first_as_of": today.replace(year=today.year - 2, day=1)}}
        return (
            "# Better a year after the tables begin, so that yearly features are complete.\n"
            f"{_yaml(training)}"
        )
    one = {"first_as_of": snapshot_day.day, "last_as_of": snapshot_day.day, "test_months": 1}
    label = {"lead_days": 0, "horizon_days": snapshot_day.horizon_days}
    return (
        "# TO CONFIRM: the day that the tables show, and the days after it in which people left.\n"
        f"{_yaml({'label': label, 'training': one})}"
    )


def _source(
    draft: Draft,
    dialect: Mapping[str, Any],
    common: Mapping[str, Any],
    snapshot_day: SnapshotDay | None,
) -> str:
    source = _place(draft.files)
    own = _difference(dialect, {**Dialect().model_dump(mode="json"), **common})
    if own:
        source["dialect"] = own
    if not any(match.column.name == "known_at" for match in draft.matches):
        source["known_delay_days"] = 0
    if any(match.column.type == "money" for match in draft.matches):
        fractions = (m.sample.fraction for m in draft.matches if m.column.type == "money")
        source["money_unit"] = "major" if any(fractions) else "minor"
    numbered = {} if draft.numbered is None else {draft.numbered: {"row_number": True}}
    source["columns"] = {**numbered, **{m.column.name: _origin(m) for m in draft.matches}}
    if snapshot_day is not None:
        source |= _of_the_day(draft, source["columns"], snapshot_day)
    notes = "".join(f"    # {note}\n" for note in _notes(draft, source, {**common, **dialect}))
    body = "".join(f"    {line}\n" for line in _yaml(source).splitlines())
    return f"  {draft.table.name}:\n{notes}{body}"


def _of_the_day(
    draft: Draft, columns: Mapping[str, object], snapshot_day: SnapshotDay
) -> dict[str, Any]:
    """What a table that shows one day says besides."""
    if draft.label is not None:
        return {"columns": {**columns, "as_of": {"value": snapshot_day.day}}}
    if draft.flat is None:
        return {}
    of_day: dict[str, Any] = {"static": True, "columns": dict(columns)}
    if draft.joins:
        of_day["joins"] = [
            {"path": group.path, "key": key, **_place(group), **_delimited(group.sample)}
            for group, key in draft.joins
        ]
    if draft.flat.segment is not None:
        of_day["columns"]["segment"] = draft.flat.segment
    if draft.flat.joined is not None and draft.flat.joined[1] is not None:
        column, unit = draft.flat.joined
        of_day["columns"]["joined_on"] = {"column": column, f"{unit}_before": snapshot_day.day}
    for key in ("attributes", "dropped"):
        if found := getattr(draft.flat, key):
            of_day[key] = {name: dict(v) if key == "attributes" else v for name, v in found.items()}
    return of_day


def _place(files: FileGroup) -> dict[str, Any]:
    """Where a table lies, and in which row its columns are named."""
    place = {"path": files.path, "table": files.sample.table, "header_row": files.sample.header_row}
    usual = {"table": None, "header_row": 1}
    return {key: value for key, value in place.items() if value != usual.get(key, "")}


def _origin(match: Match) -> object:
    words = dict(match.words)
    if match.column.name == "segment":
        return {"column": match.source, **({"values": words} if words else {}), "mutable": True}
    return {"column": match.source, "values": words} if words else match.source


def _notes(draft: Draft, source: Mapping[str, Any], dialect: Mapping[str, Any]) -> list[str]:
    notes = [
        f"{match.column.name}: {_line(match.source)} has words of its own; "
        f"write {{column: …, values: {{…: {' | '.join(match.column.allowed)}}}}}"
        for match in draft.untranslated
    ]
    if source.get("static"):
        notes.append("TO CONFIRM, static: every column shows the one day, before anybody left")
    if draft.flat is not None and draft.flat.joined is not None and draft.flat.joined[1]:
        notes.append(
            "TO CONFIRM, joined_on: counted to that day for leavers too, not to their last"
        )
    own = [m for m in draft.matches if m.sample.form not in ("", dialect.get(m.column.type))]
    if doubts := [m.column.name for m in draft.matches if m in own or not m.sure]:
        notes.append(f"not sure of: {', '.join(doubts)}")
    if left := ", ".join(map(_line, unused(draft))):
        notes.append(f"not used: {left}")
    if "known_delay_days" in source and not (source.get("static") or draft.label):
        notes.append(
            "TO CONFIRM, known_delay_days: days from an event to its row; 0 is the same moment"
        )
    if "segment" in source["columns"] and not source.get("static"):
        notes.append("TO CONFIRM, segment: static: true if it never changes once written")
    if "money_unit" in source:
        notes.append("money_unit: minor is øre or cents, major is kroner or euros")
    if any(match.column.type == "instant" for match in draft.matches):
        zone = "the company's zone" if FORMATS[draft.files.sample.fmt].zone == "company" else "UTC"
        notes.append(f"instants without a zone are read in {zone}; else write timezone: …")
    return notes


def _line(name: str) -> str:
    return " ".join(name.split())


def _dialect(draft: Draft) -> dict[str, Any]:
    """How the texts of a table are written, as far as its columns in use tell."""
    sample = draft.files.sample
    if draft.label is not None:
        return {**_text_of(sample), "true_values": draft.label.yes, "false_values": draft.label.no}
    keys = ("date", "instant", "decimal", "thousands", "truth")
    seen: dict[str, Counter[str]] = {key: Counter() for key in keys}
    uses = [(str(match.column.type), match.sample) for match in draft.matches]
    for each in draft.flat.attributes.values() if draft.flat else ():
        kind = "date" if each.get("as_days") else str(each["type"])
        uses.append((kind, sample.columns[str(each["column"])]))
    for kind, column in uses:
        if kind in ("date", "instant"):
            seen[kind][column.form] += bool(column.form)
        if kind in _NUMBERS and column.decimal and (column.fraction or column.thousands):
            seen["decimal"][column.decimal] += 1
            seen["thousands"][column.thousands] += bool(column.thousands)
        if kind == "boolean" and column.truth is not None:
            seen["truth"]["\0".join(column.truth)] += 1
    found = {key: counts.most_common(1)[0][0] for key, counts in seen.items() if counts.total()}
    true, _, false = found.pop("truth", "").partition("\0")
    written = _text_of(sample) | {key: value for key, value in found.items() if value}
    return written | ({"true_values": [true], "false_values": [false]} if true else {})


def _text_of(sample: FileSample) -> dict[str, Any]:
    """What every column of a table shares."""
    return {"nulls": list(sample.nulls), **_delimited(sample)}


def _delimited(sample: FileSample) -> dict[str, Any]:
    """How a delimited text is cut and encoded; ASCII alone says nothing of the encoding."""
    text = {"delimiter": sample.delimiter, "encoding": sample.encoding}
    return {key: value for key, value in text.items() if value and sample.fmt == "csv"}


def _difference(chosen: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in chosen.items() if value != base[key]}


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def _yaml(value: object) -> str:
    """YAML with the innermost mappings and lists on one line."""
    form: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 100}
    return str(yaml.dump(value, None, _Plain, default_flow_style=None, **form))
