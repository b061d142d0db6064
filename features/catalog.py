"""The explicit list of driver families: what exists, for which tables, and what it means."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from features import billing, effort, price, relationship, support
from features.feature import Feature, Stream
from features.relationship import Attribute, attribute_families

_MODULES = (billing, price, support, effort, relationship)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The streams and features that a company's tables can carry.

    ``omitted`` maps each feature that cannot be built to the tables and columns it misses.
    """

    streams: tuple[Stream, ...]
    features: tuple[Feature, ...]
    omitted: Mapping[str, tuple[str, ...]]

    @property
    def model_features(self) -> tuple[Feature, ...]:
        """Features that a model sees: everything but facts."""
        return tuple(feature for feature in self.features if feature.kind != "fact")


def build_catalog(
    tables: Collection[str],
    attributes: Sequence[Attribute] = (),
    absent: Collection[str] = (),
) -> Catalog:
    """Resolve the declared features against the tables that a company has.

    ``absent`` names columns (``table.column``) that its tables lack.

    Raises ``ValueError`` when two families declare a feature of the same name.
    """
    declared = [stream for module in _MODULES for stream in module.STREAMS]
    missing = {stream.name: tuple(sorted(set(stream.reads) - set(tables))) for stream in declared}
    families = [module.FAMILY for module in _MODULES] + list(attribute_families(attributes))
    features = [feature for family in families for feature in family.features]
    names = [feature.name for feature in features]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"features declared by more than one family: {', '.join(twice)}")
    lacking = {
        f.name: (*missing[f.stream], *(n for n in f.needs if _lacks(n, tables, absent)))
        for f in features
    }
    kept = tuple(feature for feature in features if not lacking[feature.name])
    used = {feature.stream for feature in kept}
    return Catalog(
        streams=tuple(stream for stream in declared if stream.name in used),
        features=kept,
        omitted=MappingProxyType({name: lack for name, lack in lacking.items() if lack}),
    )


def _lacks(name: str, tables: Collection[str], absent: Collection[str]) -> bool:
    return name in absent if "." in name else name not in tables


def dictionary(catalog: Catalog) -> list[dict[str, str]]:
    """One row per feature of the model: what ``stille features`` prints."""
    return [
        {
            "feature": feature.name,
            "family": feature.family,
            "driver": feature.driver,
            "unit": feature.unit,
            "window": "" if feature.window is None else f"{feature.window} days",
            "sign": {1: "+", -1: "−", 0: "±"}[feature.sign],
            "no row means": "unknown" if feature.fill is None else f"{feature.fill:g}",
            "definition": feature.doc,
            "source": feature.source,
        }
        for feature in catalog.model_features
    ]


def definition(feature: Feature, stream: Stream) -> str:
    """The text that decides a feature's value: a model built on another text is another model."""
    parts = (
        stream.sql,
        feature.expression,
        feature.where,
        feature.window,
        feature.fill,
        feature.kind,
        sorted(stream.reveals.items()),
    )
    return " ".join(" ".join(str(part).split()) for part in parts)
