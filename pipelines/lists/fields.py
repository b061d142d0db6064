"""The columns of a list: one declaration for CSV, Parquet and the data package."""

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
