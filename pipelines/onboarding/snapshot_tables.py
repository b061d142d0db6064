"""Tables that show one day: customers with attributes, who of them left, joins by key."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from features.contract import TABLES
from pipelines.onboarding.draft import Draft, FileGroup
from pipelines.onboarding.flat import ChurnLabel, Flat, flatten, key_of
from pipelines.onboarding.matching import Match

_COMMON_KEYS = 0.05  # samples of large files have few customers in common


def dated(drafts: Iterable[Draft]) -> bool:
    """Whether a table says when customers left."""
    return any(each.table.name in ("terminations", "labels") and each.usable for each in drafts)


def with_snapshot(
    drafts: list[Draft], groups: list[FileGroup], labels: Mapping[str, ChurnLabel]
) -> list[Draft]:
    """The drafts with customers and labels of a table that says who left, without a date.

    Without ``labels`` (by title), customers are the table with a key, if none has their name.
    """
    keys = {g.title: key for g in groups if (key := key_of(g.sample)) is not None}
    keyed = sorted((g for g in groups if g.title in keys), key=lambda g: -len(g.sample.columns))
    of = next((g for g in keyed if g.title in labels), None)
    named = next((d.files for d in drafts if d.table.name == "customers"), None)
    events = {d.files.title for d in drafts if d.usable}
    free = (g for g in keyed if g.title not in events)
    home = named if named is not None and named.title in keys else of or next(free, None)
    if home is None or (of is None and named is not None):
        return drafts
    others = [d for d in drafts if d.files is not home and d.files is not of]
    kept = [d for d in others if d.table.name not in ("customers", "labels")]
    outcome: dict[str, bool] = {}
    if of is not None:
        values, label = of.sample.values, labels[of.title]
        gone = [value in label.yes for value in values[label.column]]
        outcome = dict(zip((id_ or "" for id_ in values[keys[of.title]]), gone, strict=True))
    flat = flatten(home.sample, keys[home.title], labels.get(home.title), outcome)
    joins: list[tuple[FileGroup, str]] = []
    if of is None:
        flat = replace(flat, attributes={}, dropped={})
    else:
        # A file that only resembles an event table by name can still describe the customers.
        own = [d.files for d in kept if d.usable]
        more = [g for g in keyed if all(g is not each for each in (home, *own))]
        held = {g.title: {*g.sample.values[keys[g.title]]} - {None} for g in (home, *more)}
        ids = held[home.title]
        shared = (g for g in more if len(ids & held[g.title]) > _COMMON_KEYS * len(ids))
        joins = [(g, keys[g.title]) for g in shared]
        flat, home = _joined(flat, home, joins, labels, outcome)
    columns = {"customer_id": flat.key, "segment": flat.segment}
    if flat.joined is not None and flat.joined[1] is None:
        columns["joined_on"] = flat.joined[0]
    first = [_snapshot_draft("customers", home, columns, flat=flat, joins=tuple(joins))]
    if of is not None:
        pair = {"customer_id": keys[of.title], "churned": labels[of.title].column}
        first.append(_snapshot_draft("labels", of, pair, label=labels[of.title]))
    joined = {group.title for group, _ in joins}
    return [*first, *(d for d in kept if d.files.title not in joined)]


def _joined(
    flat: Flat,
    home: FileGroup,
    joins: list[tuple[FileGroup, str]],
    labels: Mapping[str, ChurnLabel],
    outcome: Mapping[str, bool],
) -> tuple[Flat, FileGroup]:
    """The customers' table with the attributes of further files, and with a look at these."""
    for group, key in joins:
        more = flatten(group.sample, key, labels.get(group.title), outcome)
        own = home.sample.columns
        new = {n: a for n, a in more.attributes.items() if a["column"] not in own}
        flat = replace(
            flat,
            attributes={**new, **flat.attributes},
            dropped={**more.dropped, **flat.dropped},
            joined=flat.joined or more.joined,
            segment=flat.segment or more.segment,
        )
        columns = {**group.sample.columns, **own}
        values = {**group.sample.values, **home.sample.values}
        home = replace(home, sample=replace(home.sample, columns=columns, values=values))
    return flat, home


def _snapshot_draft(
    table: str, files: FileGroup, columns: Mapping[str, str | None], **extra: Any
) -> Draft:
    contract = TABLES[table]
    matches = tuple(
        Match(contract.column(name), source, files.sample.columns[source], 1.0, {})
        for name, source in columns.items()
        if source is not None
    )
    return Draft(contract, files, matches, **extra)
