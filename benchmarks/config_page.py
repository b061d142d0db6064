"""``python -m benchmarks.config_page``: docs/configuration.md, from the schema and its example.

Types, defaults and bounds are the schema's; what a key means and an example are those of
``configs/reference.yaml``, whose comment above a key is its description.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from features.markdown import markdown_table
from pipelines.cli.schemas import config_schema

REFERENCE = Path("configs/reference.yaml")
_PAGE = Path("docs/configuration.md")
_HEADER = ("key", "meaning", "type", "default", "example")
_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
_BOUNDS |= {"exclusiveMaximum": "below"}
_LONGEST = 70
_COMMENT = re.compile(r"\s*(?:- )?# ?(.*)")
_FILE = re.compile(r"docs/([\w-]+)\.md")


@dataclass
class Section:
    """The keys of one part of the schema: where it first stands, and a row of ``_HEADER`` each."""

    path: str
    schema: Mapping[str, Any]
    meanings: dict[str, str] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def missing(self) -> Iterator[str]:
        """Keys without a comment and an example in the reference."""
        for key in self.schema["properties"]:
            if not self.meanings.get(key):
                yield f"{self.path}.{key}".lstrip(".")


def sections(reference: str) -> list[Section]:
    """Every section of the schema in the order of ``reference``, with what it says of each key."""
    walk = _Walk(reference)
    if (root := yaml.compose(reference, Loader=yaml.SafeLoader)) is not None:
        walk.visit(root, walk.schema, "")
    for name in walk.schema["$defs"]:
        section = walk.resolved({"$ref": name})[1]
        if "properties" in section:
            walk.found.setdefault(name, Section(name, section))
    return list(walk.found.values())


class _Walk:
    def __init__(self, text: str) -> None:
        self.text, self.lines = text, text.splitlines()
        self.schema = config_schema()
        self.found: dict[str, Section] = {}

    def resolved(self, schema: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """The name of the section that a schema refers to, or nothing, and its own schema."""
        name = schema.get("$ref", "").rpartition("/")[2]
        full: Mapping[str, Any] = self.schema["$defs"][name] if name else schema
        return name, next((s for s in full.get("anyOf", ()) if "properties" in s), full)

    def visit(self, node: yaml.Node, schema: Mapping[str, Any], path: str) -> None:
        for name, option in map(self.resolved, schema.get("anyOf", (schema,))):
            if isinstance(node, yaml.SequenceNode):
                for value in node.value:
                    self.visit(value, option.get("items") or {}, f"{path}[]")
            elif isinstance(node, yaml.MappingNode) and "properties" in option:
                self._keys(node, self.found.setdefault(name, Section(path, option)), path)
            elif isinstance(node, yaml.MappingNode):
                for _, value in node.value:
                    self.visit(value, option.get("additionalProperties") or {}, f"{path}.*")

    def _keys(self, node: yaml.MappingNode, section: Section, path: str) -> None:
        for key, value in node.value:
            inner = section.schema["properties"][key.value]
            if comment := self._comment(key.start_mark.line):
                section.meanings.setdefault(key.value, comment)
                written = self.text[value.start_mark.index : value.end_mark.index].strip()
                section.examples.setdefault(key.value, "" if "\n" in written else written)
            self.visit(value, inner, f"{path}.{key.value}".lstrip("."))

    def _comment(self, line: int) -> str:
        said: list[str] = []
        while line and (comment := _COMMENT.fullmatch(self.lines[line - 1])):
            said.insert(0, comment[1])
            line -= 1
        return " ".join(said)


def config_page(reference: str, page: str) -> str:
    """The page whose tables are made anew; what stands before the first section is kept."""
    found = sections(reference)
    places = {section.schema["title"]: section.path for section in found}
    lines = [page.partition("\n## ")[0].rstrip("\n")]
    for section in found:
        required = section.schema.get("required", ())
        rows = (
            (
                f"`{key}`",
                _FILE.sub(r"[\1](\1.md)", section.meanings.get(key, "")),
                _type(schema, places),
                "required" if key in required else _default(schema, section, key, places),
                f"`{section.examples[key]}`" if section.examples.get(key) else "below",
            )
            for key, schema in section.schema["properties"].items()
        )
        title = f"`{section.path}`" if section.path else "Sections"
        lines += ["", f"## {title}", "", *markdown_table(_HEADER, rows)]
    return "\n".join(lines) + "\n"


def _type(schema: Mapping[str, Any], places: Mapping[str, str]) -> str:
    """What a key takes, in words.

    >>> _type({"type": "integer", "minimum": 1}, {})
    'integer, at least 1'
    >>> _type({"anyOf": [{"type": "array", "items": {"enum": ["a", "b"]}}, {"type": "null"}]}, {})
    'list of `a`, `b`, or null'
    """
    if options := schema.get("anyOf"):
        return ", or ".join(_type(option, places) for option in options)
    if "$ref" in schema:
        place = places[schema["$ref"].rpartition("/")[2]]
        return f"[`{place}`](#{re.sub(r'[^a-z_]', '', place)})"
    if choices := schema.get("enum"):
        return ", ".join(f"`{each or json.dumps(each)}`" for each in choices)
    kind = schema.get("format") or schema.get("type", "any")
    if kind == "array":
        items = schema.get("prefixItems") or [schema["items"]]
        return f"list of {' and '.join(_type(each, places) for each in items)}"
    if kind == "object":
        return f"by name: {_type(schema['additionalProperties'], places)}"
    bounds = [f"{word} {schema[name]}" for name, word in _BOUNDS.items() if name in schema]
    return ", ".join((kind, *bounds))


def _default(
    schema: Mapping[str, Any], section: Section, key: str, places: Mapping[str, str]
) -> str:
    place = places.get(schema.get("$ref", "").rpartition("/")[2])
    text = json.dumps(schema.get("default"), ensure_ascii=False)
    if place == f"{section.path}.{key}".lstrip("."):
        return "as below"
    return f"`{text}`" if len(text) <= _LONGEST else f"`{text[:_LONGEST]}…`"


if __name__ == "__main__":
    _PAGE.write_text(config_page(REFERENCE.read_text("utf-8"), _PAGE.read_text("utf-8")), "utf-8")
