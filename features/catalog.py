"""The catalogue of streams and features: what a company's tables can carry, and what it means."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from features.contract import TABLES
from features.families import FAMILIES
from features.feature import Feature, Stream

_WORDS = re.compile(r"\w+")
_QUOTED = re.compile("'[^']*'")


@dataclass(frozen=True, slots=True)
class Catalog:
    """The streams and features that a company's tables can carry.

    ``omitted`` maps each feature that cannot be built to the tables and columns it misses.
    ``parts`` are the columns that only combinations see. The ``needs`` of each are all of the
    tables, and the columns (``table.column``), that it cannot do without.
    """

    streams: tuple[Stream, ...]
    features: tuple[Feature, ...]
    omitted: Mapping[str, tuple[str, ...]]
    parts: tuple[Feature, ...] = ()

    @property
    def model_features(self) -> tuple[Feature, ...]:
        """Features that a model sees: everything but facts."""
        return tuple(feature for feature in self.features if feature.kind != "fact")

    def only(self, names: Collection[str]) -> "Catalog":
        """The named features, and what they are made of."""
        wanted = [feature for feature in self.features if feature.name in names]
        of = {name for feature in wanted for name in (*feature.of, *feature.maybe)}
        of -= {feature.name for feature in wanted}
        parts = tuple(f for f in (*self.features, *self.parts) if f.name in of)
        streams = _used(self.streams, [*wanted, *parts])
        return Catalog(streams, tuple(wanted), {}, parts)


def build_catalog(
    tables: Collection[str],
    attributes: Sequence[Feature] = (),
    absent: Collection[str] = (),
    versioned: Collection[str] = (),
) -> Catalog:
    """Resolve the declared features against the tables that a company has.

    ``absent`` names columns (``table.column``) that its tables lack, ``versioned`` tables that
    have several rows of one key, of which the newest known counts.

    Raises ``ValueError`` when two families declare a feature of the same name.
    """
    declared = [stream for family in FAMILIES for stream in family.streams]
    streams = {stream.name: stream for stream in _with_versions(declared, versioned)}
    features = _resolved(attributes, streams)
    names = [feature.name for feature in features]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"features declared by more than one family: {', '.join(twice)}")
    lacking = _lacking(features, tables, absent)
    kept = [feature for feature in features if not lacking[feature.name]]
    seen = {name for feature in kept for name in (*feature.of, *feature.maybe)}
    parts = tuple(f for f in kept if f.kind == "part" and f.name in seen)
    shown = tuple(feature for feature in kept if feature.kind != "part")
    hidden = {feature.name for feature in features if feature.kind == "part"}
    return Catalog(
        streams=_used(list(streams.values()), [*shown, *parts]),
        features=shown,
        omitted={name: lack for name, lack in lacking.items() if lack and name not in hidden},
        parts=parts,
    )


def _with_versions(declared: Sequence[Stream], versioned: Collection[str]) -> list[Stream]:
    """The streams, each with the tables of which it cannot take versions one by one."""
    whole = [name for name in versioned if not TABLES[name].versions]
    found: dict[str, Stream] = {}
    for stream in declared:
        read = {*stream.reads, *stream.optional}
        read |= {name for base in stream.bases for name in found[base].as_known}
        found[stream.name] = replace(stream, as_known=tuple(n for n in whole if n in read))
    return list(found.values())


def _lacking(
    features: Sequence[Feature], tables: Collection[str], absent: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """What each feature misses; a combination misses what its columns do."""
    lacking: dict[str, tuple[str, ...]] = {}
    for feature in sorted(features, key=lambda feature: not feature.stream):
        if feature.stream:
            names = [_missing(name, tables, absent) for name in feature.needs]
        else:
            parts = [lacking[name] for name in feature.of or feature.maybe]
            found = all(parts) or bool(feature.of)
            names = [name for part in parts for name in part if found]
        lacking[feature.name] = tuple(dict.fromkeys(name for name in names if name))
    return lacking


def _missing(need: str, tables: Collection[str], absent: Collection[str]) -> str:
    """The table or the column that is not there; empty when all is."""
    table = need.partition(".")[0]
    if table not in tables:
        return table
    return need if need in absent else ""


def _needs(feature: Feature, streams: Mapping[str, Stream]) -> tuple[str, ...]:
    """The tables of a feature's stream, then the columns without which it would not be true.

    A column that another reveals needs that one too, unless it may be there at once.
    """
    stream = streams[feature.stream]
    based = [stream]
    for each in based:
        based += [streams[name] for name in each.bases]
    words = set(_WORDS.findall(_QUOTED.sub("", f"{feature.expression} {feature.where}")))
    given = [name for each in based for name in each.needs]
    given += [
        f"{table}.{column.name}"
        for table in (*stream.reads, *stream.optional)
        for column in TABLES[table].columns
        if column.name in words and not column.required
    ]
    named = [*given, *feature.needs]
    for name in named:
        table, _, column_name = name.partition(".")
        column = TABLES[table].column(column_name) if column_name else None
        if column is not None and column.revealed_by and not column.at_once:
            moment = f"{table}.{column.revealed_by}"
            named += [] if moment in named else [moment]
    tables = sorted({table for each in based for table in each.reads})
    return (*tables, *dict.fromkeys(name for name in named if name not in tables))


def _used(declared: Sequence[Stream], features: Sequence[Feature]) -> tuple[Stream, ...]:
    """The streams that features need, and those these derive from, in the order declared."""
    names = {feature.stream for feature in features}
    for stream in reversed(declared):
        if stream.name in names:
            names |= set(stream.bases)
    return tuple(stream for stream in declared if stream.name in names)


def _resolved(attributes: Sequence[Feature], streams: Mapping[str, Stream]) -> list[Feature]:
    """Every feature, with all that it needs; the company's ``attributes`` last."""
    features = [feature for family in FAMILIES for feature in family.features]
    families = list(dict.fromkeys(attribute.family for attribute in attributes))
    features += sorted(attributes, key=lambda attribute: families.index(attribute.family))
    needs = {f.name: _needs(f, streams) for f in features if f.stream}
    for f in (f for f in features if not f.stream):
        together = [need for name in f.of or f.maybe for need in needs[name]]
        needs[f.name] = tuple(dict.fromkeys(together))
    return [replace(feature, needs=needs[feature.name]) for feature in features]


def definition(feature: Feature, catalog: Catalog) -> str:
    """The text that decides a feature's value: a model built on another text is another model."""
    if not feature.stream:
        named = {f.name: f for f in (*catalog.features, *catalog.parts)}
        inputs = [named[name] for name in (*feature.of, *feature.maybe) if name in named]
        texts = [f"{f.name}: {definition(f, catalog)}" for f in inputs]
        return _text(feature.expression, feature.fill, feature.kind, *texts)
    own = (feature.expression, feature.where, feature.window, feature.fill, feature.kind)
    return _text(*_derivation(feature.stream, catalog), *own)


def _derivation(name: str, catalog: Catalog) -> tuple[object, ...]:
    [stream] = [stream for stream in catalog.streams if stream.name == name]
    bases = [text for base in stream.bases for text in _derivation(base, catalog)]
    versions = ("versions",) if stream.versions else ()
    return (*bases, stream.sql, sorted(stream.reveals.items()), *stream.as_known, *versions)


def _text(*parts: object) -> str:
    return " ".join(" ".join(str(part).split()) for part in parts)


def dictionary(catalog: Catalog) -> list[dict[str, Any]]:
    """One row per feature of the model, as ``stille features`` prints it.

    ``days`` are those of its window, ``sign`` is 1 where more of it raises the risk, and
    ``without_rows`` what it is where its tables have no row of a customer; null where unknown.
    """
    return [
        {
            "feature": feature.name,
            "family": feature.family,
            "driver": feature.driver,
            "unit": feature.unit,
            "days": feature.window,
            "sign": feature.sign,
            "without_rows": feature.fill,
            "definition": feature.doc,
            "source": feature.source,
        }
        for feature in catalog.model_features
    ]
