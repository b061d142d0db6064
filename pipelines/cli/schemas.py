"""JSON Schemas of the data contract and the configuration."""

from typing import Any

from features.contract import TABLES, Column
from features.errors import ConfigError
from pipelines.config.file import nearest
from pipelines.config.settings import Settings

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
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
