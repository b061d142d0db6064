"""Erasure of a customer from earlier publications.

A published folder is never changed: its rewritten copy takes its place under a new run id, and
only then does it go, so a reader finds a whole publication at every moment.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import ConfigError, PublicationError
from pipelines.erasure.rows import CUSTOMER, WITHOUT
from pipelines.publication.manifest import MANIFEST
from pipelines.publication.publish import point, staging_folder
from pipelines.publication.reader import Publication, current, verify
from pipelines.runtime.atomic_files import digest, replace_bytes, storage_errors, sync, sync_tree

_AGAIN = re.compile(r"(?P<run_id>.*)\.without-(?P<times>\d+)")
_PART = re.compile(r"\.part-\d+$")


def forget_published(out: Path, customer: str) -> int:
    """Take the customer out of every publication; returns how many had them.

    Call inside ``publisher``. Raises ``PublicationError`` naming a publication that cannot be
    read, which is left as it is.
    """
    return sum(_forget_in(publication, customer) for publication in _all(out))


def _all(out: Path) -> Iterator[Publication]:
    for path in sorted(out.glob(f"????-??-??/*/{MANIFEST}")):
        try:
            yield Publication(out, date.fromisoformat(path.parts[-3]), path.parts[-2])
        except (ValueError, ConfigError) as error:
            raise PublicationError(
                f"{path.parent} was not made by a publication; move it away, then run again."
            ) from error


def _forget_in(publication: Publication, customer: str) -> bool:
    manifest = verify(publication.folder)
    new = _next(publication)
    with staging_folder(new) as staging, storage_errors(f"rewrite {publication.folder}"):
        shutil.copytree(publication.folder, staging, dirs_exist_ok=True)
        changed = [
            path
            for path, column in _places(manifest).items()
            if WITHOUT[_ending(path)](staging / path, customer, column)
        ]
        if not changed:
            return False
        for resource in manifest["resources"]:
            if resource["path"] in changed:
                path = staging / resource["path"]
                resource |= {"bytes": path.stat().st_size, "hash": digest(path)}
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        replace_bytes(staging / MANIFEST, text.encode())
        sync_tree(staging)
        staging.rename(new.folder)
        sync(new.folder.parent)
        if current(publication.out) == publication:
            point(new)
        shutil.rmtree(publication.folder)
        return True


def _next(publication: Publication) -> Publication:
    before = _AGAIN.fullmatch(publication.run_id)
    run_id = before["run_id"] if before else publication.run_id
    times = int(before["times"]) + 1 if before else 1
    return Publication(publication.out, publication.as_of, f"{run_id}.without-{times}")


def _places(manifest: Mapping[str, Any]) -> dict[str, int]:
    """In which column of each file the customer's id stands; files of a list share their order."""
    fields = {
        resource["path"]: [field["name"] for field in resource["schema"]["fields"]]
        for resource in manifest["resources"]
        if "schema" in resource
    }
    twins = {path: fields.get(_twin(path), []) for path in fields}
    return {path: names.index(CUSTOMER) for path, names in twins.items() if CUSTOMER in names}


def _twin(path: str) -> str:
    return f"{_PART.sub('', path.removesuffix(_ending(path)))}.parquet"


def _ending(path: str) -> str:
    return next(ending for ending in WITHOUT if path.endswith(ending))
