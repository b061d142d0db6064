"""Right to erasure (GDPR article 17): one customer's rows removed from every stored file.

Models keep no rows: boosters, reference distributions, metrics and the registry hold counts and cut
points of many customers. The company's own tables are its own to erase, first: what they still hold
comes back with the next run.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from features.errors import BusyError
from pipelines.config.sections import Paths
from pipelines.erasure.publications import DamagedFileError, forget_published, may_hold, without
from pipelines.publication.bucket import clear_unfinished
from pipelines.publication.publish import publisher
from pipelines.runtime.atomic_files import file_digest, storage_errors
from pipelines.runtime.mirrors import name_of
from pipelines.snapshots.facts import read_facts, write_facts
from pipelines.snapshots.folder_lock import exclusive, remove, remove_if_free
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
        matrices = sum(_without_or_gone(path, customer) for path in kept)
        for left in paths.matrices.glob("**/*.tmp"):
            left.unlink()
        publications = forget_published(paths.out, customer)
        shutil.rmtree(paths.mirrors, ignore_errors=True)  # of buckets, and copied again as needed
        if paths.preview.exists():  # made again by a dry run
            shutil.rmtree(paths.preview)
        for killed in paths.scratch.glob("*"):
            remove_if_free(killed)
        return Erasure(publications, tables, matrices)


def _forget_tables(paths: Paths, customer: str) -> int:
    forget_refused(paths.snapshots)
    killed, kept = [*paths.snapshots.glob(".*")], newest_first(paths.snapshots)
    typed = [paths.typed] if paths.typed.is_dir() else []
    with ExitStack() as alone:
        for folder in (*killed, *kept, *typed):
            alone.enter_context(_alone(folder))
        # Whoever spills has tables, which nobody has now.
        shutil.rmtree(paths.spill, ignore_errors=True)
        for folder in killed:  # for everybody
            shutil.rmtree(folder)
        changed = sum(_forget_snapshot(folder, customer) for folder in kept)
        for folder in (path for root in typed for path in [*root.iterdir()]):
            # Once the company has erased the rows from its file, these are of no file any more.
            if folder.name.startswith("."):
                shutil.rmtree(folder)
            elif any(may_hold(path, customer) for path in folder.rglob("*.parquet")):
                remove(folder)
                changed += 1
    return changed


def _forget_snapshot(folder: Path, customer: str) -> int:
    """How many of its tables had the customer; what no run can read any more goes whole."""
    try:
        facts = read_facts(folder)
        shutil.rmtree(folder / "quarantine", ignore_errors=True)
        changed = [path for path in folder.glob("**/*.parquet") if without(path, customer)]
    except (FileNotFoundError, ValueError, DamagedFileError):
        remove(folder)
        return 0
    left = {name: old for name, old in facts["files"].items() if (folder / name).exists()}
    new = {path.relative_to(folder).as_posix(): file_digest(path) for path in changed}
    write_facts(folder, facts | {"files": left | new})
    return len(changed)


def _without_or_gone(path: Path, customer: str) -> bool:
    """As ``without``; a damaged file, which runs make again or do without, goes."""
    try:
        return without(path, customer)
    except DamagedFileError:
        path.unlink()
        return True


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
