"""Strict JSON serialization: NaN and infinities are null, dates are ISO texts."""

import json
from collections.abc import Mapping
from datetime import date
from math import isfinite


def plain_json(value: object) -> bytes:
    """``value`` of mappings, sequences, texts, numbers, dates and None as UTF-8 JSON."""
    return json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False).encode()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value
