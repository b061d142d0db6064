"""Reader of publications: the current one, integrity by digest, and idempotence by identity.

A publication counts only while every file has its digest, as whoever copies one may be cut off.
Of a bucket's, what is read comes into the folder ``out`` first: ``pipelines.publication.bucket``.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from features.errors import ConfigError, PublicationError
from features.timeline import day_of
from pipelines.publication.bucket import POINTER, fetch, pull_manifests
from pipelines.publication.manifest import MANIFEST, files_below
from pipelines.runtime.atomic_files import digest, storage_errors
from pipelines.runtime.mirrors import bucket_of, name_of

STAGING = ".staging-"
RUN_NAME = re.compile(r"[a-z]+-\d{8}T\d{6}Z-[0-9a-f]{6}(\.without-\d+)?")  # run ids of ours
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
    if bucket := bucket_of(out):
        found = bucket.get(POINTER)
        return found and pointed(out, found[0])
    return pointed(out) if os.path.lexists(out / "current") else None


def pointed(out: Path, pointer: bytes = b"") -> Publication:
    """What ``out/current`` points at, or the ``pointer`` of a bucket; raises like ``current``."""
    link = out / (POINTER if pointer else "current")
    try:
        target = json.loads(pointer)["path"] if pointer else link.readlink().as_posix()
        as_of, run_id = target.split("/")
        publication = Publication(out, date.fromisoformat(as_of), run_id)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
        raise PublicationError(
            f"{name_of(link)} does not name <as-of date>/<run id>, so it was not made by a "
            "publication. Move it away, then run again."
        ) from error
    pull_manifests(out, as_of)
    return publication


def _manifest(folder: Path) -> dict[str, Any]:
    """The manifest as it stands; raises ``PublicationError`` when it is none."""
    with storage_errors(f"read {folder}"):
        try:
            manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
            datetime.fromisoformat(manifest["created"])
            manifest["stille"].keys(), _digests(manifest)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PublicationError(f"{folder / MANIFEST} is damaged: {error!r}.") from error
    return manifest


def _digests(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {entry["path"]: entry["hash"] for entry in manifest["resources"]}


def created_at(folder: Path) -> datetime:
    """When a publication was made, UTC; raises ``PublicationError`` when its manifest is none."""
    return datetime.fromisoformat(_manifest(folder)["created"])


def manifest_facts(folder: Path) -> dict[str, Any]:
    """What the manifest of a publication tells of its night as a whole."""
    return dict(json.loads((folder / MANIFEST).read_bytes())["stille"])


def published_inputs(out: Path) -> str:
    """Digest of the inputs of the lists that readers see; empty where none can be read."""
    with suppress(PublicationError, OSError, ValueError, KeyError):
        if (now := current(out)) is not None:
            return str(manifest_facts(now.folder)["inputs_digest"])
    return ""


def verify(folder: Path, needed: str = ".parquet") -> dict[str, Any]:
    """The manifest of a publication whose every file is there and has its digest.

    Of a bucket's publication, those files whose names end with ``needed`` come here, so that they
    can be read. Raises ``PublicationError`` naming the folder and the files that differ.
    """
    manifest = _manifest(folder)
    digests = _digests(manifest)
    if bucket_of(folder.parents[1]):
        fetch(folder, [path for path in digests if path.endswith(needed)])
        digests = {path: each for path, each in digests.items() if (folder / path).exists()}
    with storage_errors(f"read {folder}"):
        found = {path: digest(folder / path) for path in files_below(folder)}
    if found != digests:
        names = ", ".join(sorted({path for path, _ in found.items() ^ digests.items()}))
        raise PublicationError(f"{name_of(folder)} differs from its manifest: {names}. Run again.")
    return manifest


def complete(
    publications: Iterable[Publication], needed: str = ".parquet"
) -> Iterator[tuple[Publication, dict[str, Any]]]:
    """The complete ones of publications with their manifests; damaged ones do not count.

    ``needed`` is that of ``verify``. Files are read and hashed when a publication's turn comes, so
    the newest costs one reading.
    """
    for publication in publications:
        with suppress(PublicationError):
            yield publication, verify(publication.folder, needed)


def publications_of(out: Path, as_of: date, **identity: object) -> list[Publication]:
    """Publications of an as-of date (and ``Stamp.identity``), by manifest alone, newest first."""
    made = []
    pull_manifests(out, as_of.isoformat())
    for path in (out / as_of.isoformat()).glob(f"*/{MANIFEST}"):
        with suppress(PublicationError, ConfigError):
            manifest, publication = _manifest(path.parent), Publication(out, as_of, path.parts[-2])
            if manifest["stille"].items() >= identity.items():
                made.append((str(manifest["created"]), publication.run_id, publication))
    return [each for *_, each in sorted(made, key=lambda one: one[:2], reverse=True)]


def newest_of(out: Path, as_of: date, **identity: object) -> Publication | None:
    """The complete publication of an as-of date (and identity) made last; None without one."""
    return next((each for each, _ in complete(publications_of(out, as_of, **identity))), None)


def newest_publications(out: Path) -> tuple[Publication, ...]:
    """The complete publication of each as-of date that was made last, dates in order."""
    newest = (newest_of(out, day) for day in sorted(days_of(out)))
    return tuple(publication for publication in newest if publication is not None)


def days_of(out: Path) -> set[date]:
    """The as-of dates below ``out``, published in full or not."""
    pull_manifests(out)
    days = (day_of(path.parts[-3]) for path in out.glob(f"*/*/{MANIFEST}"))
    return {day for day in days if day is not None}
