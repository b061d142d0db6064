"""Reading publications: what is current, whether it is whole, and whether it is the same."""

import json
import os
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import ConfigError, PublicationError
from pipelines.lists.manifest import MANIFEST, Stamp, files_below
from pipelines.storage import digest, storage_errors

STAGING = ".staging-"
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Publication:
    """Where one run's files stand under ``out``, before and after they are published."""

    out: Path
    as_of: date
    run_id: str

    def __post_init__(self) -> None:
        if not _RUN_ID.fullmatch(self.run_id):
            raise ConfigError(
                f"run id {self.run_id!r} cannot name a folder: use letters, digits, '.', '_', '-'."
            )

    @property
    def staging(self) -> Path:
        return self.out / f"{STAGING}{self.run_id}"

    @property
    def folder(self) -> Path:
        return self.out / self.as_of.isoformat() / self.run_id


def current(out: Path) -> Publication | None:
    """What ``out/current`` points at; None before the first publication.

    Raises ``PublicationError`` when the pointer was not made by ``publish``.
    """
    link = out / "current"
    if not os.path.lexists(link):
        return None
    try:
        as_of, run_id = link.readlink().parts
        return Publication(out, date.fromisoformat(as_of), run_id)
    except (OSError, ValueError, ConfigError) as error:
        raise PublicationError(
            f"{link} is not a link to <as-of date>/<run id>, so it was not made by a publication. "
            "Move it away, then run again."
        ) from error


def verify(folder: Path) -> dict[str, Any]:
    """The manifest of a publication whose every file is there and has its digest.

    Raises ``PublicationError`` naming the folder and the files that differ.
    """
    with storage_errors(f"read {folder}"):
        try:
            manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
            listed = {entry["path"]: entry["hash"] for entry in manifest["resources"]}
        except (ValueError, KeyError, TypeError) as error:
            raise PublicationError(f"{folder / MANIFEST} is damaged: {error!r}.") from error
        found = {path: digest(folder / path) for path in files_below(folder)}
    if found != listed:
        names = sorted(path for path, _ in found.items() ^ listed.items())
        raise PublicationError(
            f"{folder} differs from its manifest: {', '.join(dict.fromkeys(names))}. Run again."
        )
    return manifest


def published(out: Path, stamp: Stamp) -> Publication | None:
    """The newest complete publication of the same identity (inputs, config, model, as-of date).

    ``stamp.run_id`` and ``stamp.created`` do not count. Damaged publications do not count.
    """
    found: list[tuple[str, Publication]] = []
    for folder in sorted((out / stamp.as_of.isoformat()).glob(f"*/{MANIFEST}")):
        try:
            manifest = verify(folder.parent)
            described = manifest["stille"]
            if all(described[key] == value for key, value in stamp.identity.items()):
                publication = Publication(out, stamp.as_of, folder.parent.name)
                found.append((manifest["created"], publication))
        except (PublicationError, ConfigError, KeyError, TypeError):
            continue
    return max(found, key=lambda one: one[0])[1] if found else None


def newest_of(out: Path, as_of: date) -> Publication | None:
    """The complete publication of an as-of date that was made last; None without one."""
    found: list[tuple[str, Publication]] = []
    for path in (out / as_of.isoformat()).glob(f"*/{MANIFEST}"):
        try:
            created = str(verify(path.parent)["created"])
            found.append((created, Publication(out, as_of, path.parts[-2])))
        except (PublicationError, ConfigError, KeyError):
            continue
    return max(found, key=lambda one: (one[0], one[1].run_id))[1] if found else None


def newest_publications(out: Path) -> tuple[Publication, ...]:
    """The complete publication of each as-of date that was made last, dates in order."""
    days = {_as_of(path) for path in out.glob(f"*/*/{MANIFEST}")}
    newest = (newest_of(out, day) for day in sorted(day for day in days if day is not None))
    return tuple(publication for publication in newest if publication is not None)


def _as_of(manifest: Path) -> date | None:
    try:
        return date.fromisoformat(manifest.parts[-3])
    except ValueError:
        return None
