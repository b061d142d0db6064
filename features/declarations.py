"""Declarations in YAML, as plain values."""

from pathlib import Path
from typing import Any

import yaml


def read_declarations(file: Path) -> Any:
    """Mappings, lists, texts and numbers; raises ``YAMLError`` with the line that is no YAML."""
    with file.open(encoding="utf-8") as text:
        # Both loaders are safe; the one in C is some ten times as fast, and most installations
        # have it.
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe
