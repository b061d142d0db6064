"""JSON Schemas of the data contract and the configuration; the pages of contract and features."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from features.contract import FORBIDDEN_COLUMNS, TABLES, Column, Table
from features.dictionary_page import dictionary_page
from features.errors import ConfigError
from features.markdown import markdown_table
from pipelines.config.file import nearest
from pipelines.config.settings import Settings

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

_TABLES = "## Columns that never enter\n"
_HEADER = ("column", "type", "unit", "required", "allowed", "known from", "meaning")


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
    yield from markdown_table(_HEADER, map(_column_row, table.columns))


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


_JSON_TYPES = {"text": "string", "money": "integer", "price": "number"}
_JSON_FORMATS = {"date": "date", "instant": "date-time"}


def table_schema(name: str) -> dict[str, Any]:
    """JSON Schema of one row of a table; raises ``ConfigError`` for an unknown table."""
    if name not in TABLES:
        known = ", ".join(TABLES)
        raise ConfigError(f"unknown table {name!r}; known: {known}{nearest(name, TABLES)}")
    table = TABLES[name]
    return {
        "$schema": _DRAFT,
        "title": table.name,
        "description": table.doc,
        "type": "object",
        "properties": {column.name: _column_schema(column) for column in table.columns},
        "required": [column.name for column in table.columns if column.required],
        "additionalProperties": False,
    }


def _column_schema(column: Column) -> dict[str, Any]:
    form, may_be_null = _JSON_FORMATS.get(column.type), not column.required
    kind = "string" if form else _JSON_TYPES.get(column.type, column.type)
    given = {
        "format": form,
        "description": column.doc,
        "enum": column.allowed and [*column.allowed, *([None] if may_be_null else [])],
        "examples": list(column.vocabulary),
        "minimum": column.minimum,
        "maximum": column.maximum,
    }
    schema = {name: value for name, value in given.items() if value not in (None, (), [])}
    return {"type": [kind, "null"] if may_be_null else kind, **schema}


def config_schema() -> dict[str, Any]:
    """JSON Schema of a configuration file, for editors that check while one writes."""
    schema = Settings.model_json_schema()
    schema["$schema"] = _DRAFT
    given = [table.name for table in TABLES.values() if not table.derived]
    schema["properties"]["sources"]["propertyNames"] = {"enum": given}
    return schema


def main() -> None:
    for name, made in (("data-contract", contract_page), ("features", dictionary_page)):
        path = Path("docs") / f"{name}.md"
        path.write_text(made(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
