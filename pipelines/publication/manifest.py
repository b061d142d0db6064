"""Data package manifest: the files of a publication, their digests and their provenance.

It is a Frictionless Data Package, so that common tools can check a publication. A list has one
declaration of its fields for CSV, Parquet and the data package.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote

from features.contract import read_declarations
from pipelines.config.lists import CRM, EXCEL
from pipelines.runtime.atomic_files import digest

# Types that every format has, so that a file and its Parquet twin agree.
FieldType = Literal["text", "integer", "decimal", "percentile", "amount", "date", "boolean"]
_TYPES: Mapping[str, FieldType] = {kind: kind for kind in get_args(FieldType)}
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


DECLARED: Mapping[str, Any] = read_declarations(Path(__file__).with_name("lists.yaml"))
"""The lists, as ``lists.yaml`` beside this module declares them."""


def columns(name: str, **allowed: tuple[str, ...]) -> tuple[Field, ...]:
    """The declared fields of a list; ``allowed`` gives a column's values.

    Raises ``KeyError`` for an unknown list or type.
    """
    split = {column: said.split(" ", 1) for column, said in DECLARED[name].items()}
    return tuple(
        Field(column, _TYPES[kind.rstrip("!")], doc, kind.endswith("!"), allowed.get(column, ()))
        for column, (kind, doc) in split.items()
    )


MANIFEST = "datapackage.json"
_USE = "Whom to contact, what to repair; refused as input to the price of life or health insurance."
PAGES = "call_pages"
_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_MEDIA_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "html": "text/html",
}


def page_name(rank: int, customer: str) -> str:
    """File name of a page of the call list; no id can lead out of its folder.

    >>> page_name(7, "../a b")
    '00007-..%2Fa%20b.html'
    """
    return f"{rank:05d}-{quote(customer, safe='')}.html"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a publication came from.

    Two runs whose ``identity`` is equal publish the same lists. ``created`` is UTC; ``thresholds``
    are the lower bounds of the risk bands, as probabilities. ``degraded``: the registry of models
    did not answer, so the champion is the one that it named last. ``holdout_key`` names the key
    that drew the arms, ``effect_digest`` the measured effect and the model of who responds, empty
    without either. Unless ``permissions_read``, nobody could be contacted, and the night is
    published again once they can be read. ``facts`` stand in the manifest as given.
    """

    as_of: date
    run_id: str
    created: datetime
    inputs_digest: str
    config_digest: str
    model_version: str
    model_digest: str
    horizon_days: int
    thresholds: dict[str, float]
    degraded: bool = False
    holdout_key: str = ""
    effect_digest: str = ""
    permissions_read: bool = True
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, str | bool]:
        names = ("inputs_digest", "config_digest", "model_digest", "holdout_key", "effect_digest")
        digests = {name: getattr(self, name) for name in names}
        day = self.as_of.isoformat()
        return {"as_of_date": day, **digests, "permissions_read": self.permissions_read}


def files_below(folder: Path) -> tuple[str, ...]:
    """Relative POSIX paths of every file below ``folder`` but the manifest, sorted."""
    found = (path for path in folder.rglob("*") if not path.is_dir())
    names = sorted(path.relative_to(folder).as_posix() for path in found)
    return tuple(name for name in names if name != MANIFEST)


def manifest_bytes(folder: Path, stamp: Stamp, schemas: Mapping[str, tuple[Field, ...]]) -> bytes:
    """Describe every file below ``folder``; ``schemas`` gives the fields of a file by its path."""
    named = ("run_id", "model_version", "horizon_days", "thresholds", "degraded")
    described = {
        "$schema": _PROFILE,
        "name": f"stille-{stamp.as_of.isoformat()}",
        "title": f"Churn risk as of {stamp.as_of.isoformat()}",
        "description": _USE,
        "created": stamp.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resources": [_resource(folder, path, schemas.get(path)) for path in files_below(folder)],
        "stille": stamp.identity | {name: getattr(stamp, name) for name in named} | stamp.facts,
    }
    return (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode()


def _resource(folder: Path, path: str, fields: tuple[Field, ...] | None) -> dict[str, Any]:
    ending = path.rpartition(".")[2].lower()
    resource: dict[str, Any] = {
        "name": path.lower().replace("/", "-").replace(" ", "-"),
        "path": path,
        "format": ending,
        "mediatype": _MEDIA_TYPES.get(ending, "application/octet-stream"),
        "bytes": (folder / path).stat().st_size,
        "hash": digest(folder / path),
    }
    if fields is None:
        return resource
    dialect = EXCEL if path.endswith(EXCEL.ending) else CRM
    described = [package_field(field, dialect.decimal) for field in fields]
    # Frictionless counts no bytes of a Parquet table, and calls each invalid that declares them.
    kind = "file" if ending == "parquet" else "table"
    resource |= {"type": kind, "schema": {"fields": described, "missingValues": [""]}}
    if ending != "csv":
        return resource
    encoding = "utf-8-sig" if dialect.mark else "utf-8"
    parsed = {"delimiter": dialect.separator, "lineTerminator": dialect.line}
    return resource | {"encoding": encoding, "dialect": parsed}
