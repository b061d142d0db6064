"""``python -m benchmarks.contract_pages``: the pages of the data contract and of its features."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from features.catalog import build_catalog
from features.contract import FORBIDDEN_COLUMNS, TABLES, Column, Table
from features.feature import Feature
from features.markdown import markdown_table

_TABLES = "## Columns that never enter\n"
_COLUMN_HEADER = ("column", "type", "unit", "required", "allowed", "known from", "meaning")
_SIGNS = {1: "+", -1: "−", 0: "±"}


def contract_page(page: str) -> str:
    """The data contract as Markdown; what stands in ``page`` before its tables is kept."""
    lines = [page.partition(_TABLES)[0] + _TABLES]
    lines += markdown_table(["column", "why"], FORBIDDEN_COLUMNS.items())
    for table in TABLES.values():
        lines += ["", *_table_section(table)]
    return "\n".join(lines) + "\n"


def _table_section(table: Table) -> Iterator[str]:
    yield f"## {table.name}\n"
    yield f"{table.doc}{' Needed.' if table.required else ''}\n"
    happens = " or ".join(f"`{name}`" for name in table.event_at)
    earliest = ", whichever is earlier" if len(table.event_at) > 1 else ""
    yield f"Key: {', '.join(f'`{name}`' for name in table.key)}. Happens at: {happens}{earliest}.\n"
    if table.may_have_versions:
        yield "May have versions.\n"
    yield from markdown_table(_COLUMN_HEADER, map(_column_row, table.columns))


def _column_row(column: Column) -> tuple[str, ...]:
    allowed = ", ".join(column.allowed)
    if column.vocabulary:
        allowed = f"any; known: {', '.join(column.vocabulary)}"
    if column.minimum is not None:
        top = "" if column.maximum is None else f", at most {column.maximum:.10g}"
        allowed = f"at least {column.minimum:g}{top}"
    required = "yes" if column.required else ""
    known = f"`{column.revealed_by}`" if column.revealed_by else ""
    if column.at_once:
        known += ", else at once"
    return column.name, column.type, column.unit, required, allowed, known, column.doc


_HEADER = (
    *("feature", "driver", "definition", "unit", "days"),
    *("sign", "no row means", "source", "tables"),
)


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
        without_rows = "unknown" if feature.fill is None else f"{feature.fill:g}"
        row += [_SIGNS[feature.sign], without_rows, feature.source]
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


def main() -> None:
    for name, made in (("data-contract", contract_page), ("features", dictionary_page)):
        path = Path("docs") / f"{name}.md"
        path.write_text(made(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
