"""Publications in a bucket, of which ``out`` is the mirror; of any other folder, nothing to do.

No object of a publication is written twice, and its manifest is written last: who finds a manifest
finds whole files. The pointer moves by compare-and-swap, so no lock is needed for the truth.
"""

import re
import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from features.errors import PublicationError
from pipelines.publication.manifest import MANIFEST, files_below
from pipelines.runtime.environment import now
from pipelines.runtime.mirrors import bucket_of

POINTER = "current.json"
_PREFIX = re.compile(r"\d{4}-\d\d-\d\d/[^/]+(?=/)")
_UPLOAD = timedelta(hours=1)


def pull_manifests(out: Path, day: str = "") -> None:
    """Have the manifests of all publications, or those of a ``day``, and no other publication."""
    if bucket := bucket_of(out):
        # Before the bucket is asked: one that comes here meanwhile stays.
        folders = [*out.glob(f"{day or '????-??-??'}/*")]
        bucket.pull(day, lambda key: key.count("/") == 2 and key.endswith(f"/{MANIFEST}"))
        for folder in folders:
            if not (folder / MANIFEST).exists():
                shutil.rmtree(folder, ignore_errors=True)


def fetch(folder: Path, names: Iterable[str]) -> None:
    """Have these files of a publication, by their path in its folder."""
    if bucket := bucket_of(folder.parents[1]):
        for name in names:
            if not (folder / name).exists():
                bucket.download(f"{_prefix(folder)}/{name}")


def upload(staging: Path, folder: Path) -> bool:
    """Whether ``folder`` is a bucket's: the files of ``staging`` are there, then.

    The first one is refused where another run has one, so nothing is written over.
    """
    if (bucket := bucket_of(folder.parents[1])) is None:
        return False
    for number, name in enumerate((*files_below(staging), MANIFEST)):
        new, key = number == 0 or name == MANIFEST, f"{_prefix(folder)}/{name}"
        if not bucket.put(key, staging / name, "create" if new else "overwrite"):
            raise PublicationError(f"{bucket.url}: another run has written {key}. Run again.")
    return True


def withdraw(folder: Path, doomed: Path) -> None:
    """Remove a publication; on disk as ``doomed``, so that nobody meets half of it.

    Of a bucket's, the manifest goes first.
    """
    if bucket := bucket_of(folder.parents[1]):
        bucket.delete([f"{_prefix(folder)}/{MANIFEST}"])
        bucket.delete(bucket.objects(_prefix(folder)))
    folder.replace(doomed)
    shutil.rmtree(doomed)


def clear_unfinished(out: Path) -> list[str]:
    """Remove uploads that stopped long ago without a manifest; run ids of those that may go on."""
    alive = []
    if bucket := bucket_of(out):
        objects = bucket.objects()
        prefixes = {within[0] for key in objects if (within := _PREFIX.match(key))}
        for prefix in sorted(each for each in prefixes if f"{each}/{MANIFEST}" not in objects):
            parts = {key: each for key, each in objects.items() if key.startswith(f"{prefix}/")}
            if max(each["last_modified"] for each in parts.values()) < now() - _UPLOAD:
                bucket.delete(parts)
            else:
                alive.append(prefix.partition("/")[2])
    return alive


def _prefix(folder: Path) -> str:
    return "/".join(folder.parts[-2:])
