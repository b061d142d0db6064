"""Right to erasure (GDPR article 17): one customer's rows removed from every stored file.

Models keep no rows: boosters, reference distributions, metrics and the registry hold counts and
cut points of many customers (the article concerns the rows). The company's own tables are its own
to erase, and are erased first: what they still hold comes back with the next run.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import BusyError, ConfigError, PublicationError
from pipelines.config.settings import Settings
from pipelines.erasure.rows import CUSTOMER, WITHOUT, without_in_parquet
from pipelines.publication.manifest import MANIFEST
from pipelines.publication.publish import point, publisher, staging_folder
from pipelines.publication.reader import Publication, current, verify
from pipelines.runtime.atomic_files import digest, replace_bytes, storage_errors, sync, sync_tree
from pipelines.snapshots.facts import FACTS_NAME
from pipelines.snapshots.folder_lock import exclusive
from pipelines.snapshots.store import forget_refused, newest_first
from pipelines.sources.files import file_digest


@dataclass(frozen=True, slots=True)
class Erasure:
    """How many publications, kept tables and kept matrices held rows of the customer."""

    publications: int
    tables: int
    matrices: int


def forget(settings: Settings, customer: str) -> Erasure:
    """Erase a customer, by the id as it stands in Stille's files; a second call finds nothing.

    What a killed call left undone, the next call does. Quarantined source rows go for everybody,
    as nobody can tell whose a broken row is. Raises ``BusyError`` when a run uses what would
    change, and ``PublicationError`` when storage fails.
    """
    var = settings.paths.var
    with publisher(settings.paths.out), storage_errors(f"erase a customer below {var}"):
        tables = _forget_tables(settings.paths.snapshots, customer)
        kept = sorted(settings.paths.matrices.glob("**/*.parquet"))
        kept += sorted(settings.paths.training.glob("*/*.parquet"))
        matrices = sum(without_in_parquet(path, customer) for path in kept)
        return Erasure(forget_published(settings.paths.out, customer), tables, matrices)


def _forget_tables(store: Path, customer: str) -> int:
    forget_refused(store)
    changed = 0
    for folder in newest_first(store):
        with exclusive(folder) as free:
            if not free:
                raise BusyError(
                    f"a run is reading {folder}. Nothing of it was changed; run the same command "
                    "again when that run has ended."
                )
            shutil.rmtree(folder / "quarantine", ignore_errors=True)
            found = [without_in_parquet(path, customer) for path in folder.glob("**/*.parquet")]
            changed += sum(found)
            _write_digests(folder)
    return changed


def _write_digests(folder: Path) -> None:
    path = folder / FACTS_NAME
    facts = json.loads(path.read_text(encoding="utf-8"))
    left = (folder / name for name in facts["files"])
    facts["files"] = {
        file.relative_to(folder).as_posix(): file_digest(file) for file in left if file.exists()
    }
    replace_bytes(path, f"{json.dumps(facts, indent=2, ensure_ascii=False)}\n".encode())


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
            if _take_out(staging / path, customer, column)
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


def _take_out(path: Path, customer: str, column: int) -> bool:
    return WITHOUT[_ending(path.name)](path, customer, column)
