"""Table schema of a published file: one declaration for CSV, Parquet and the data package.

Types are those that every format has, so that a file and its Parquet twin agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FieldType = Literal["text", "integer", "decimal", "percentile", "amount", "date", "boolean"]
DECIMALS: Mapping[FieldType, int] = {"decimal": 6, "percentile": 2, "amount": 2}
_PACKAGE_TYPES = {"text": "string", **dict.fromkeys(DECIMALS, "number")}


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
    kind = _PACKAGE_TYPES.get(field.type, field.type)
    described: dict[str, object] = {"name": field.name, "type": kind, "description": field.doc}
    if decimal != "." and kind == "number":
        described["decimalChar"] = decimal
    constraints: dict[str, object] = {"required": True} if field.required else {}
    if field.allowed:
        constraints["enum"] = list(field.allowed)
    return described | ({"constraints": constraints} if constraints else {})
