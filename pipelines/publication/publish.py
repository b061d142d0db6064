"""Atomic publication: staging folder, manifest last, rename, then one pointer swap.

``out/.staging-<run_id>`` becomes ``out/<as_of>/<run_id>``, and only then ``out/current`` (a
relative symlink) and ``out/current.json`` point at it. Published folders never change, so whoever
resolves the pointer reads one complete publication, whatever dies in between. In a bucket, files
are written under their final names, and ``current.json`` is replaced by compare-and-swap.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from features.errors import BusyError, ConfigError, PublicationError
from pipelines.publication import reader
from pipelines.publication.bucket import POINTER, clear_unfinished, upload
from pipelines.publication.manifest import MANIFEST, Field, Stamp, manifest_bytes
from pipelines.publication.reader import STAGING, Publication, current, pointed
from pipelines.runtime import atomic_files
from pipelines.runtime.atomic_files import storage_errors
from pipelines.runtime.mirrors import bucket_of, name_of


@contextmanager
def publisher(out: Path) -> Iterator[tuple[str, ...]]:
    """Be the only publisher of ``out``; yields what to note of what dead runs left behind.

    Their staging folders go; what only has such a name is passed by. Raises ``BusyError`` at once
    when another process holds the lock, which a killed one does not, and ``PublicationError`` when
    ``out`` cannot be written. Other machines may publish to a bucket.
    """
    with storage_errors(f"lock {out}"):
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / ".lock", blocking=False, fallback_to_soft=False)
        try:
            held = lock.acquire()
        except Timeout:
            raise BusyError(
                f"another run is publishing to {name_of(out)}. Nothing was changed; "
                "run the same command again when that run has ended."
            ) from None
    with held:
        notes = []
        with storage_errors(f"remove what a dead run left in {out}"):
            for found in sorted(out.glob(f"{STAGING}*")):
                run_id = found.name.removeprefix(STAGING)
                if reader.RUN_NAME.fullmatch(run_id) and found.is_dir() and not found.is_symlink():
                    shutil.rmtree(found)
                    notes.append(f"removed what run {run_id} left behind")
                else:
                    notes.append(f"{found} is not of a run of Stille and was left as it is")
        clear_unfinished(out)
        yield tuple(notes)


@contextmanager
def staging_folder(publication: Publication) -> Iterator[Path]:
    """An empty staging folder, gone when the block ends, however it ends.

    Call inside ``publisher``. An ``OSError`` of the block becomes a ``PublicationError``.
    """
    with storage_errors(f"fill {publication.staging}"):
        try:
            publication.staging.mkdir()
            yield publication.staging
        finally:
            shutil.rmtree(publication.staging, ignore_errors=True)


def publish(
    publication: Publication,
    stamp: Stamp,
    schemas: Mapping[str, tuple[Field, ...]],
    *,
    backfill: bool = False,
) -> None:
    """Publish a filled staging folder; call inside ``publisher`` and ``staging_folder``.

    ``schemas`` gives the fields of each list by its path in the folder. With ``backfill`` an older
    as-of date is published beside the current one. Raises ``ConfigError`` for one without
    ``backfill`` and ``PublicationError`` when storage fails; what ``current`` points at is complete
    in every case.
    """
    refuse_older(publication.out, publication.as_of, backfill=backfill)
    staging, folder = publication.staging, publication.folder
    with storage_errors(f"publish {folder}"):
        if folder.exists():
            raise PublicationError(f"{folder} exists already: every run needs its own run id.")
        # The clock may have been set back, and the newest publication is the one made last.
        before = reader.publications_of(publication.out, publication.as_of)
        after = [reader.created_at(each.folder) + timedelta(seconds=1) for each in before[:1]]
        stamp = replace(stamp, created=max([stamp.created, *after]))
        atomic_files.replace_bytes(staging / MANIFEST, manifest_bytes(staging, stamp, schemas))
        place(publication)
    point(publication)


def place(publication: Publication) -> None:
    """Give a filled staging folder, with its manifest, its name. Raises ``OSError``."""
    staging, folder = publication.staging, publication.folder
    if atomic_files.is_shared(publication.out):
        for path in (staging, *staging.rglob("*")):
            path.chmod(atomic_files.SHARED if path.is_dir() else 0o640)
    atomic_files.sync_tree(staging)
    if upload(staging, folder):
        # A reader on this machine may have begun to mirror it.
        shutil.copytree(staging, folder, dirs_exist_ok=True, copy_function=os.replace)
        return
    folder.parent.mkdir(exist_ok=True)
    folder.parent.chmod(staging.stat().st_mode)
    staging.rename(folder)
    atomic_files.sync(folder.parent)
    atomic_files.sync(publication.out)


def point(publication: Publication) -> None:
    """Point readers at a publication, or at the newest one, where a later as-of date has one."""
    out = publication.out
    now = current(out)
    days = sorted(reader.days_of(out), reverse=True)
    newest = now or next(filter(None, (reader.newest_of(out, day) for day in days)), None)
    if newest is not None and newest.as_of > publication.as_of:
        if not (newest.folder / MANIFEST).is_file():
            return
        publication = newest
    target = publication.folder.relative_to(out)
    with storage_errors(f"point {out / 'current'} at {publication.folder}"):
        described = {
            "as_of_date": publication.as_of.isoformat(),
            "run_id": publication.run_id,
            "path": target.as_posix(),
            "datapackage": f"{target.as_posix()}/{MANIFEST}",
            "hash": atomic_files.digest(publication.folder / MANIFEST),
        }
        pointer, data = out / POINTER, (json.dumps(described, indent=2) + "\n").encode()
        while bucket := bucket_of(out):
            # By compare-and-swap: who loses looks again at what is there then.
            found = bucket.get(POINTER)
            if found and (found[0] == data or pointed(out, found[0]).as_of > publication.as_of):
                return
            if bucket.put(POINTER, data, found[1] if found else "create"):
                return
        if now != publication:
            atomic_files.replace_link(out / "current", target)
        if not pointer.exists() or pointer.read_bytes() != data:
            atomic_files.replace_bytes(pointer, data)


def refuse_older(out: Path, as_of: date, *, backfill: bool) -> None:
    """Raise ``ConfigError`` for an as-of date before the published one, unless backfilling."""
    now = current(out)
    last = max(reader.days_of(out), default=as_of) if now is None else now.as_of
    if as_of < last and not backfill:
        raise ConfigError(
            f"as-of date {as_of} is before the published {last} in {name_of(out)}. "
            "Add --backfill to write it beside the current publication."
        )


def republish(out: Path, stamp: Stamp) -> Publication | None:
    """The publication that this run would only repeat, with readers pointed at it; else None.

    Call inside ``publisher``. It also finishes what a run killed before the last swap began.
    """
    publication = reader.newest_of(out, stamp.as_of, **stamp.identity)
    if publication is not None:
        point(publication)
    return publication
