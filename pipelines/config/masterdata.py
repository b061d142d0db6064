"""Look-ahead in master data: columns of the customer table that are overwritten.

A register shows what holds today, for every as-of date. Learning from such a column is learning
from the future: whoever left may have had it changed on the way out. So a column becomes a
feature as it stands only when it is declared static, and its history is read when it is not.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from features.contract import TABLES
from features.errors import ConfigError
from pipelines.config.errors import Problem
from pipelines.config.sources import Source

HISTORY = "master_data"
SEGMENT = "segment"
TRACKED = TABLES[HISTORY].column("attribute").allowed
_LEFT = f"its history is read from sources.{HISTORY}"


def attribute_problems(sources: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Attributes that are declared neither static nor mutable, or both."""
    customers = sources.get("customers")
    return tuple(_undeclared(customers)) if isinstance(customers, dict) else ()


def _declarable(customers: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(section, name, mapping) of each attribute, and of the segment when it is mapped."""
    attributes, columns = customers.get("attributes"), customers.get("columns")
    for name, attribute in attributes.items() if isinstance(attributes, dict) else ():
        if isinstance(attribute, dict):
            yield "attributes", str(name), attribute
    segment = columns.get(SEGMENT) if isinstance(columns, dict) else None
    if segment is not None:
        yield "columns", SEGMENT, segment if isinstance(segment, dict) else {"column": segment}


def _undeclared(customers: Mapping[str, Any]) -> Iterator[Problem]:
    for section, name, attribute in _declarable(customers):
        place = ("sources", "customers", section, name)
        static, mutable = attribute.get("static") is True, attribute.get("mutable") is True
        if static and mutable:
            yield Problem(place, "static and mutable exclude each other")
        if not (static or mutable or customers.get("static") is True):
            column = attribute.get("column")
            yield Problem(
                place,
                f"can {column!r} change after the day it is first written? If never: "
                f"static: true. If it can: mutable: true, and give its history in sources.{HISTORY}"
                f" ({', '.join(TRACKED)}), or drop the column with its reason",
            )


def left_to_history(sources: Mapping[str, Source]) -> Mapping[str, Source]:
    """The sources without the mutable attributes whose history the company gives."""
    if HISTORY not in sources:
        return sources
    customers = sources["customers"]
    left = [each for each in _mutable(customers) if each[1] in TRACKED]
    gone = {(section, name) for section, name, _ in left}
    changed = customers.model_copy(
        update={
            "attributes": {
                n: a for n, a in customers.attributes.items() if ("attributes", n) not in gone
            },
            "columns": {n: c for n, c in customers.columns.items() if ("columns", n) not in gone},
            "dropped": {**customers.dropped, **dict.fromkeys((c for *_, c in left), _LEFT)},
        }
    )
    return {**sources, "customers": changed}


def _mutable(customers: Source) -> Iterator[tuple[str, str, str]]:
    """(section, name, source column) of what is overwritten."""
    for name, attribute in customers.attributes.items():
        if attribute.mutable:
            yield "attributes", name, attribute.column
    segment = customers.columns.get(SEGMENT)
    if segment is not None and segment.mutable:
        yield from (("columns", SEGMENT, column) for column in segment.read)


def refuse_mutable(sources: Mapping[str, Source]) -> None:
    """Raise ``ConfigError`` naming each column that would tell the model its own future."""
    columns = [
        f"  {column!r} (sources.customers.{section}.{name}): "
        + (
            f"sources.{HISTORY} is not given"
            if name in TRACKED
            else "no history can be given for it"
        )
        for section, name, column in _mutable(sources["customers"])
    ]
    if columns:
        raise ConfigError(
            "a column that is overwritten shows at every past day what holds now, so a model "
            "would learn from the future:\n" + "\n".join(columns) + "\n"
            f"give its history in sources.{HISTORY} ({', '.join(TRACKED)}), or move the column to "
            "sources.customers.dropped, then run: stille check"
        )
