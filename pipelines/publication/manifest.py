"""Data package manifest: the files of a publication, their digests and their provenance.

It is a Frictionless Data Package, so that common tools can check a publication.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipelines.config.lists import CRM, EXCEL
from pipelines.publication.schema import Field, package_field
from pipelines.runtime.atomic_files import digest

MANIFEST = "datapackage.json"
_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_MEDIA_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "html": "text/html",
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a publication came from.

    Two runs whose ``identity`` is equal publish the same lists. ``created`` is UTC;
    ``thresholds`` are the lower bounds of the risk bands, as probabilities. ``degraded``: the
    registry of models did not answer, so the champion is the one that it named last.
    ``holdout_key`` names the key that drew the arms, ``effect_digest`` the accepted model of who
    responds, empty without one. Unless ``permissions_read``, nobody could
    be contacted, and the same night is published again once they can be read. ``facts`` are told
    in the manifest as they stand.
    """

    as_of: date
    run_id: str
    created: datetime
    inputs_digest: str
    config_digest: str
    model_version: str
    model_digest: str
    horizon_days: int
    thresholds: Mapping[str, float]
    degraded: bool = False
    holdout_key: str = ""
    effect_digest: str = ""
    permissions_read: bool = True
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, str | bool]:
        return {
            "as_of_date": self.as_of.isoformat(),
            "inputs_digest": self.inputs_digest,
            "config_digest": self.config_digest,
            "model_digest": self.model_digest,
            "holdout_key": self.holdout_key,
            "effect_digest": self.effect_digest,
            "permissions_read": self.permissions_read,
        }


def files_below(folder: Path) -> tuple[str, ...]:
    """Relative POSIX paths of every file below ``folder`` but the manifest, sorted."""
    found = (path for path in folder.rglob("*") if not path.is_dir())
    names = sorted(path.relative_to(folder).as_posix() for path in found)
    return tuple(name for name in names if name != MANIFEST)


def manifest_bytes(folder: Path, stamp: Stamp, schemas: Mapping[str, tuple[Field, ...]]) -> bytes:
    """Describe every file below ``folder``; ``schemas`` gives the fields of a file by its path."""
    resources = [_resource(folder, path, schemas.get(path)) for path in files_below(folder)]
    described = {
        "$schema": _PROFILE,
        "name": f"stille-{stamp.as_of.isoformat()}",
        "title": f"Churn risk as of {stamp.as_of.isoformat()}",
        "created": stamp.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resources": resources,
        "stille": stamp.identity
        | {
            "run_id": stamp.run_id,
            "model_version": stamp.model_version,
            "horizon_days": stamp.horizon_days,
            "thresholds": dict(stamp.thresholds),
            "degraded": stamp.degraded,
        }
        | dict(stamp.facts),
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
    resource |= {"type": "table", "schema": {"fields": described, "missingValues": [""]}}
    if ending != "csv":
        return resource
    encoding = "utf-8-sig" if dialect.mark else "utf-8"
    parsed = {"delimiter": dialect.separator, "lineTerminator": dialect.line}
    return resource | {"encoding": encoding, "dialect": parsed}
