"""Table schema of a published file: one declaration for CSV, Parquet and the data package.

Types are those that every format has, so that a file and its Parquet twin agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

FieldType = Literal["text", "integer", "decimal", "percentile", "amount", "date", "boolean"]

DECIMALS: Mapping[FieldType, int] = MappingProxyType({"decimal": 6, "percentile": 2, "amount": 2})
_PACKAGE_TYPES: Mapping[FieldType, str] = MappingProxyType(
    {
        "text": "string",
        "integer": "integer",
        "decimal": "number",
        "percentile": "number",
        "amount": "number",
        "date": "date",
        "boolean": "boolean",
    }
)


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a list. ``decimal`` has six decimals, ``percentile`` and ``amount`` two."""

    name: str
    type: FieldType
    doc: str
    required: bool = False
    allowed: tuple[str, ...] = ()


RUN_FIELDS: tuple[Field, ...] = (
    Field("run_id", "text", "The run that made the list.", required=True),
    Field("as_of_date", "date", "The day the list stands on.", required=True),
)
STAMP_FIELDS: tuple[Field, ...] = (
    Field("schema_version", "text", "Version of these columns.", required=True),
    *RUN_FIELDS,
)
"""The first columns of a list."""
CUSTOMER_ID = Field("customer_id", "text", "Pseudonym or CRM key.", required=True)
HORIZON = Field("horizon_days", "integer", "Length of the horizon, in days.", required=True)
CURRENCY = Field("currency", "text", "Currency of the amounts, ISO 4217.")
MODEL_VERSION = Field("model_version", "text", "Name and version of the model.", required=True)


def package_field(field: Field, decimal: str = ".") -> dict[str, object]:
    """The field as a Table Schema descriptor (Frictionless Data Package).

    ``decimal`` is the decimal sign of the file's numbers.
    """
    constraints: dict[str, object] = {"required": True} if field.required else {}
    if field.allowed:
        constraints["enum"] = list(field.allowed)
    described: dict[str, object] = {
        "name": field.name,
        "type": _PACKAGE_TYPES[field.type],
        "description": field.doc,
    }
    if decimal != "." and described["type"] == "number":
        described["decimalChar"] = decimal
    return described | ({"constraints": constraints} if constraints else {})
