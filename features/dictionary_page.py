"""The feature dictionary, as rows and as a page to read, made from the declarations."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from features.catalog import Catalog, build_catalog
from features.contract import TABLES
from features.feature import Feature
from features.markdown import markdown_table

_INTRO = """# Features

Made from the declarations in `features/`; change them there, then run
`python -c "import features.dictionary_page as p; print(p.dictionary_page(), end='')" > docs/features.md`.

A feature sees what had happened and was known before the midnight of the as-of date. A window of n
days begins n days before it, at midnight, and a row lies in it by when it happened. Every window is
a column of its own, `wait_max_30d` and so on.

- **sign**: + when more raises the risk, − when it lowers it (both bind the model), ± when free.
- **no row means**: what a customer without rows gets. 0 when nothing happened; unknown is null.
- **source**: the article of the claim. S0 keep customers informed, S1 satisfaction and loyalty,
  S2 one history over all channels, S3 silent products, S4 effort.
- **tables**: those it needs, each with the columns it needs of it. It is left out when one is
  missing: what a company does not give is never taken for something that happened, or did not.

A window that opens before a table's history begins is unknown for everybody, as nobody knows what
happened there. The history of a table with rows on every second day or more begins a week before
its first row; that one with few rows was silent before them may be what happened. On a day before
its first row nothing is known of any table but `treatments`, which begin with the lists.

Features with several families' tables are combinations: computed from other columns of the same
row, and left out with them.

Facts are not seen by the model: the sentences of the list quote them.
"""  # noqa: E501  (a command is one line)
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


def dictionary_page() -> str:
    """Every feature and fact of the whole contract, as Markdown."""
    catalog = build_catalog(TABLES)
    lines = [_INTRO]
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
