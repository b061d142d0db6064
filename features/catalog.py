"""The explicit list of driver families: what exists, for which tables, and what it means."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from features.families import (
    billing,
    channel,
    effort,
    information,
    market,
    price,
    relationship,
    satisfaction,
    support,
)
from features.feature import Feature, Stream

_MODULES = (
    billing,
    price,
    market,
    support,
    effort,
    information,
    channel,
    satisfaction,
    relationship,
)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The streams and features that a company's tables can carry.

    ``omitted`` maps each feature that cannot be built to the tables and columns it misses.
    ``parts`` are the columns that only combinations see.
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
        return Catalog(streams, tuple(wanted), MappingProxyType({}), parts)


def build_catalog(
    tables: Collection[str],
    attributes: Sequence[Feature] = (),
    absent: Collection[str] = (),
) -> Catalog:
    """Resolve the declared features against the tables that a company has.

    ``absent`` names columns (``table.column``) that its tables lack.

    Raises ``ValueError`` when two families declare a feature of the same name.
    """
    declared = [stream for module in _MODULES for stream in module.FAMILY.streams]
    features = [feature for module in _MODULES for feature in module.FAMILY.features]
    families = list(dict.fromkeys(attribute.family for attribute in attributes))
    features += sorted(attributes, key=lambda attribute: families.index(attribute.family))
    names = [feature.name for feature in features]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"features declared by more than one family: {', '.join(twice)}")
    lacking = _lacking(declared, features, tables, absent)
    kept = [feature for feature in features if not lacking[feature.name]]
    seen = {name for feature in kept for name in (*feature.of, *feature.maybe)}
    parts = tuple(f for f in kept if f.kind == "part" and f.name in seen)
    shown = tuple(feature for feature in kept if feature.kind != "part")
    hidden = {feature.name for feature in features if feature.kind == "part"}
    return Catalog(
        streams=_used(declared, [*shown, *parts]),
        features=shown,
        omitted=MappingProxyType(
            {name: lack for name, lack in lacking.items() if lack and name not in hidden}
        ),
        parts=parts,
    )


def _lacking(
    declared: Sequence[Stream],
    features: Sequence[Feature],
    tables: Collection[str],
    absent: Collection[str],
) -> dict[str, tuple[str, ...]]:
    """What each feature misses; a combination misses what its columns do."""
    missing = {stream.name: tuple(sorted(set(stream.reads) - set(tables))) for stream in declared}
    needs = {name for f in features for name in f.needs}
    lacks = {name for name in needs if name in absent or ("." not in name and name not in tables)}
    lacking = {
        f.name: (*missing[f.stream], *(name for name in f.needs if name in lacks))
        for f in features
        if not f.of
    }
    together = {f.name: [n for name in f.of for n in lacking[name]] for f in features if f.of}
    return lacking | {name: tuple(dict.fromkeys(lack)) for name, lack in together.items()}


def _used(declared: Sequence[Stream], features: Sequence[Feature]) -> tuple[Stream, ...]:
    """The streams that features need, and those these derive from, in the order declared."""
    names = {feature.stream for feature in features}
    for stream in reversed(declared):
        if stream.name in names:
            names |= set(stream.bases)
    return tuple(stream for stream in declared if stream.name in names)


def needs_of(attributes: Sequence[Feature] = ()) -> Mapping[str, tuple[str, ...]]:
    """The tables, and the columns (``table.column``), that each feature cannot do without."""
    return build_catalog((), attributes).omitted


def definition(feature: Feature, catalog: Catalog) -> str:
    """The text that decides a feature's value: a model built on another text is another model."""
    if feature.of:
        named = {f.name: f for f in (*catalog.features, *catalog.parts)}
        inputs = [named[name] for name in (*feature.of, *feature.maybe) if name in named]
        texts = [f"{f.name}: {definition(f, catalog)}" for f in inputs]
        return _text(feature.expression, feature.fill, feature.kind, *texts)
    return _text(
        *_derivation(feature.stream, catalog),
        feature.expression,
        feature.where,
        feature.window,
        feature.fill,
        feature.kind,
    )


def _derivation(name: str, catalog: Catalog) -> tuple[object, ...]:
    [stream] = [stream for stream in catalog.streams if stream.name == name]
    bases = [text for base in stream.bases for text in _derivation(base, catalog)]
    return (*bases, stream.sql, sorted(stream.reveals.items()))


def _text(*parts: object) -> str:
    return " ".join(" ".join(str(part).split()) for part in parts)
