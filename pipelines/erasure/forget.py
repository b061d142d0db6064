"""Right to erasure (GDPR article 17): one customer's rows removed from every stored file.

Models keep no rows: boosters, reference distributions, metrics and the registry hold counts and cut
points of many customers. The company's own tables are its own to erase, first: what they still hold
comes back with the next run.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from features.errors import BusyError
from pipelines.config.sections import Paths
from pipelines.erasure.publications import forget_published, holds, without
from pipelines.publication.bucket import clear_unfinished
from pipelines.publication.publish import publisher
from pipelines.runtime.atomic_files import file_digest, storage_errors
from pipelines.runtime.mirrors import name_of
from pipelines.snapshots.facts import read_facts, write_facts
from pipelines.snapshots.folder_lock import REMOVED, exclusive, new_name, remove_if_free
from pipelines.snapshots.store import forget_refused, newest_first


@dataclass(frozen=True, slots=True)
class Erasure:
    """How many publications, stored tables and stored matrices held rows of the customer."""

    publications: int
    tables: int
    matrices: int


def forget(paths: Paths, customer: str) -> Erasure:
    """Erase a customer, by the id as it stands in Stille's files; a second call finds nothing.

    What a killed call left undone, the next call does. Quarantined source rows go for everybody, as
    nobody can tell whose a broken row is. Raises ``BusyError`` when a run uses what would change,
    or may be writing to the bucket, and ``PublicationError`` when storage fails.
    """
    with publisher(paths.out), storage_errors(f"erase a customer below {paths.var}"):
        if uploads := clear_unfinished(paths.out):
            raise BusyError(
                f"{', '.join(uploads)} is publishing to {name_of(paths.out)}, or died within the "
                "last hour. Nothing was changed; run the same command again when it is over."
            )
        tables = _forget_tables(paths, customer)
        tables += sum(without(path, customer) for path in paths.overrides.glob("*.csv"))
        reported = paths.reported_treatments
        if reported.is_file():
            tables += without(reported, customer)
            if not pq.read_metadata(reported).num_rows:
                reported.unlink()
        kept = sorted(paths.matrices.glob("**/*.parquet"))
        kept += sorted(paths.training.glob("*/*.parquet"))
        matrices = sum(without(path, customer) for path in kept)
        publications = forget_published(paths.out, customer)
        shutil.rmtree(paths.mirrors, ignore_errors=True)  # of buckets, and copied again as needed
        for killed in paths.scratch.glob("*"):
            remove_if_free(killed)
        # Whoever spills has tables, and none were in use.
        shutil.rmtree(paths.spill, ignore_errors=True)
        return Erasure(publications, tables, matrices)


def _forget_tables(paths: Paths, customer: str) -> int:
    forget_refused(paths.snapshots)
    # What killed runs left goes for everybody.
    for killed in paths.snapshots.glob(".*"):
        with _alone(killed):
            shutil.rmtree(killed)
    changed = 0
    for folder in newest_first(paths.snapshots):
        with _alone(folder):
            try:
                facts = read_facts(folder)
            except (OSError, ValueError):  # no run reads it again
                shutil.rmtree(folder.replace(new_name(paths.snapshots, REMOVED)))
                continue
            shutil.rmtree(folder / "quarantine", ignore_errors=True)
            changed += sum(without(path, customer) for path in folder.glob("**/*.parquet"))
            left = [name for name in facts["files"] if (folder / name).exists()]
            facts["files"] = {name: file_digest(folder / name) for name in left}
            write_facts(folder, facts)
    if paths.typed.is_dir():
        with _alone(paths.typed):
            # Once the company has erased the rows from its file, these are of no file any more.
            for folder in [*paths.typed.iterdir()]:
                if any(holds(path, customer) for path in folder.rglob("*.parquet")):
                    shutil.rmtree(folder.replace(new_name(paths.typed, REMOVED)))
                    changed += 1
                elif folder.name.startswith("."):
                    shutil.rmtree(folder)
    return changed


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep every run from using ``folder``; raises ``BusyError`` when one does."""
    with exclusive(folder) as free:
        if not free:
            raise BusyError(
                f"a run is reading {folder}. Nothing of it was changed; run the same command again "
                "when that run has ended."
            )
        yield
