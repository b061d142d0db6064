"""JSON output of values: numbers are numbers, days are days, and what is unknown is null."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any


def print_json(value: object) -> None:
    """Print a value as JSON: days and instants in ISO 8601, null for what is not a number."""
    written = json.dumps(value, default=_plain)
    finite = json.loads(written, parse_constant=lambda _: None)
    print(json.dumps(finite, indent=1, ensure_ascii=False))


def _plain(value: Any) -> object:
    """A value that JSON does not know, by what it does: fields, items, a number, a text."""
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Decimal):
        return float(value)
    named = (getattr(value, name, None) for name in ("isoformat", "to_dict", "item", "__str__"))
    return next(filter(None, named))()
