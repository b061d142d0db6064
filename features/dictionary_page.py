"""The feature dictionary, as rows and as a page to read, made from the declarations."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from features.catalog import Catalog, build_catalog
from features.contract import TABLES
from features.feature import Feature
from features.markdown import markdown_table

_HEADER = (
    *("feature", "driver", "definition", "unit", "days"),
    *("sign", "no row means", "source", "tables"),
)
_SIGNS: Mapping[int, str] = {1: "+", -1: "−", 0: "±"}


def dictionary(catalog: Catalog) -> list[dict[str, str]]:
    """One row per feature of the model: what ``stille features`` prints."""
    return [
        {
            "feature": feature.name,
            "family": feature.family,
            "driver": feature.driver,
            "unit": feature.unit,
            "window": "" if feature.window is None else f"{feature.window} days",
            "sign": _SIGNS[feature.sign],
            "no row means": _no_row(feature),
            "definition": feature.doc,
            "source": feature.source,
        }
        for feature in catalog.model_features
    ]


def dictionary_page(page: str) -> str:
    """All features and facts of the contract, as Markdown; what ``page`` says before them stays."""
    catalog = build_catalog(TABLES)
    lines = [page.partition("\n## ")[0]]
    families = dict.fromkeys(feature.family for feature in catalog.features)
    for family in families:
        features = [feature for feature in catalog.features if feature.family == family]
        lines += [f"## {family}", "", *_features(features), "", *_facts(features), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _features(features: Sequence[Feature]) -> Iterator[str]:
    """A row for all windows of a feature."""
    rows = []
    shown = [feature for feature in features if feature.kind != "fact"]
    for name, group in groupby(shown, key=lambda f: f.name.removesuffix(f"_{f.window}d")):
        feature, *others = group
        days = [str(each.window) for each in (feature, *others) if each.window is not None]
        row = [f"`{name}`", feature.driver, feature.doc, feature.unit, ", ".join(days)]
        row += [_SIGNS[feature.sign], _no_row(feature), feature.source]
        rows.append([*row, _together(feature.needs)])
    yield from markdown_table(_HEADER, rows)


def _together(needs: Sequence[str]) -> str:
    """Each table with its columns behind it.

    >>> _together(["contacts", "cases", "contacts.topic"])
    'contacts (topic), cases'
    """
    tables: dict[str, list[str]] = {}
    for need in needs:
        table, _, column = need.partition(".")
        tables.setdefault(table, []).extend([column] if column else [])
    return ", ".join(f"{t} ({', '.join(names)})" if names else t for t, names in tables.items())


def _facts(features: Sequence[Feature]) -> Iterator[str]:
    facts = [feature for feature in features if feature.kind == "fact"]
    if facts:
        rows = [[f"`{fact.name}`", fact.driver, fact.doc, fact.unit] for fact in facts]
        yield from markdown_table(["fact", "driver", "definition", "unit"], rows)


def _no_row(feature: Feature) -> str:
    return "unknown" if feature.fill is None else f"{feature.fill:g}"
