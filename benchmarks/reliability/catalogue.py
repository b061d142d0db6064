"""Promises and faults, and which tests are marked with them."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

Key = str | int


def catalogue() -> Mapping[Key, Mapping[str, str]]:
    """Each promise by its key, then each fault by its number from 1, as declared."""
    found = yaml.safe_load(Path(__file__).with_name("promises.yaml").read_text("utf-8"))
    return {**found["promises"], **dict(enumerate(found["faults"], start=1))}


def marked(tests: Path) -> Iterator[tuple[Key, Path]]:
    """What each file below ``tests`` is marked with, as it stands in its text, and the file."""
    for path in sorted(tests.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            kind = {"promise": str, "fault": int}.get(name)
            for argument in node.args if kind else ():
                value = argument.value if isinstance(argument, ast.Constant) else None
                if isinstance(value, str | int) and type(value) is kind:
                    yield value, path
