"""Folders compared whole, and run records read back."""

import json
from pathlib import Path
from typing import Any


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every file's bytes and every link's target below ``folder``, but for the lock."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file() and path.name != ".lock":
            found[name] = path.read_bytes()
    return found


def records(var: Path, command: str) -> list[dict[str, Any]]:
    """The run records of a command, in the order of their start."""
    found = [json.loads(path.read_bytes()) for path in (var / "runs").glob(f"{command}-*.json")]
    return sorted(found, key=lambda record: record["started_at"])
