"""Erasure of a customer from earlier publications, and from the rows of any stored file.

A published folder is never changed: its rewritten copy takes its place under a new run id, and
only then does it go, so a reader finds a whole publication at every moment.
"""

import csv
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import ConfigError, PublicationError
from pipelines.config.lists import CRM, EXCEL
from pipelines.config.sections import Paths
from pipelines.publication.bucket import pull_manifests, withdraw
from pipelines.publication.manifest import MANIFEST, PAGES, columns, page_name
from pipelines.publication.publish import place, point, staging_folder
from pipelines.publication.reader import Publication, complete, current, verify
from pipelines.runtime.atomic_files import digest, replace_bytes, storage_errors, sync

_AGAIN = re.compile(r"(?P<run_id>.*)\.without-(?P<times>\d+)")


class DamagedFileError(PublicationError):
    """A Parquet file cannot be read."""


def forget_published(out: Path, customer: str) -> int:
    """Take the customer out of every publication; returns how many had them.

    Call inside ``publisher``. Raises ``PublicationError`` naming a publication that cannot be
    read, which is left as it is.
    """
    changed = 0
    pull_manifests(out)
    for path in sorted(out.glob(f"????-??-??/*/{MANIFEST}")):
        try:
            publication = Publication(out, date.fromisoformat(path.parts[-3]), path.parts[-2])
        except (ValueError, ConfigError) as error:
            raise PublicationError(
                f"{path.parent} was not made by a publication; move it away, then run again."
            ) from error
        changed += _forget_in(publication, customer)
    if (now := current(out)) is not None:
        point(now)  # of two pointers a killed run may have written one
    return changed


def _forget_in(publication: Publication, customer: str) -> bool:
    before = _AGAIN.fullmatch(publication.run_id)
    run_id, times = (before["run_id"], int(before["times"])) if before else (publication.run_id, 0)
    new = Publication(publication.out, publication.as_of, f"{run_id}.without-{times + 1}")
    if any(complete([new], needed="")):  # a killed call made it, and its own turn comes
        _replace(publication, new)
        return False
    manifest = verify(publication.folder, needed="")
    if new.folder.exists():
        withdraw(new.folder, new.staging)
    with staging_folder(new) as staging, storage_errors(f"rewrite {publication.folder}"):
        shutil.copytree(publication.folder, staging, dirs_exist_ok=True)
        places = _places(manifest).items()
        changed = [path for path, column in places if without(staging / path, customer, column)]
        for page in [*(staging / PAGES).glob("*.html")]:
            if page.name.partition("-")[2] == page_name(0, customer).partition("-")[2]:
                changed.append(page.relative_to(staging).as_posix())
                page.unlink()
        if not changed:
            return False
        manifest["resources"] = [r for r in manifest["resources"] if (staging / r["path"]).exists()]
        for resource in manifest["resources"]:
            if resource["path"] in changed:
                path = staging / resource["path"]
                resource |= {"bytes": path.stat().st_size, "hash": digest(path)}
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        replace_bytes(staging / MANIFEST, text.encode())
        place(new)
        _replace(publication, new)
        return True


def _replace(old: Publication, new: Publication) -> None:
    if current(old.out) == old:
        point(new)
    withdraw(old.folder, old.staging)


def _places(manifest: Mapping[str, Any]) -> dict[str, int]:
    """In which column of each file the customer's id stands, whatever its header calls it."""
    [doc] = (field.doc for field in columns("worklists") if field.name == CUSTOMER)
    described = {
        resource["path"]: [field["description"] for field in resource["schema"]["fields"]]
        for resource in manifest["resources"]
        if "schema" in resource
    }
    return {path: docs.index(doc) for path, docs in described.items() if doc in docs}


CUSTOMER = "customer_id"


def find(paths: Paths, customer: str) -> list[Path]:
    """The Parquet files below ``var`` and ``out`` with rows of the customer, or that are damaged.

    Nothing is changed.
    """
    with storage_errors(f"look for a customer below {paths.var}"):
        roots = (paths.var, paths.out)
        files = (path for root in roots for path in sorted(root.rglob("*.parquet")))
        return [path for path in files if may_hold(path, customer)]


def may_hold(path: Path, customer: str) -> bool:
    """Whether rows of ``customer`` are in a Parquet file, or nobody can tell."""
    try:
        return _holds(path, customer)
    except DamagedFileError:
        return True


def _holds(path: Path, customer: str) -> bool:
    """Whether rows of ``customer`` are in a Parquet file with a column ``customer_id``."""
    with _readable(path):
        if CUSTOMER not in pq.read_schema(path).names:
            return False
        customers = pq.read_table(path, columns=[CUSTOMER], partitioning=None)[CUSTOMER]
        return bool(pc.any(pc.equal(customers.cast(pa.string()), customer)).as_py())


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Raises ``DamagedFileError`` for what Arrow says of a file that is not whole."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if getattr(error, "errno", None) is not None:  # the disk's
            raise
        told = f"{path} is damaged: restore it from a backup or remove it, then run again."
        raise DamagedFileError(told) from error


def without(path: Path, customer: str, column: int = 0) -> bool:
    """Whether rows of ``customer`` were taken out of a file, which is replaced whole, then.

    ``column`` is the place of the customer's id. In Parquet it is the column ``customer_id``, and a
    file without one is left alone.
    """
    temporary = path.with_suffix(".forgetting")
    removed = _WITHOUT[path.suffix](path, temporary, customer, column)
    if removed:
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    else:
        temporary.unlink(missing_ok=True)
    return removed


def _parquet_without(path: Path, into: Path, customer: str, _: int) -> bool:
    if not _holds(path, customer):
        return False
    with _readable(path):
        table = pq.read_table(path, partitioning=None)
    others = pc.fill_null(pc.not_equal(table[CUSTOMER].cast(pa.string()), customer), True)
    pq.write_table(table.filter(others), into, compression="zstd", write_page_checksum=True)
    return True


def _csv_without(path: Path, into: Path, customer: str, column: int) -> bool:
    """Lines of other records are copied as they stand, so their bytes stay the same."""
    dialect = EXCEL if path.name.endswith(EXCEL.ending) else CRM
    encoding, removed = "utf-8-sig" if dialect.mark else "utf-8", False
    with (
        path.open(encoding=encoding, newline="") as source,
        into.open("w", encoding=encoding, newline="") as target,
    ):
        record: list[str] = []

        def lines() -> Iterator[str]:
            for line in source:
                record.append(line)
                yield line

        for cells in csv.reader(lines(), delimiter=dialect.separator):
            if cells and cells[column] == customer:
                removed = True
            else:
                target.writelines(record)
            record.clear()
    return removed


def _workbook_without(path: Path, into: Path, customer: str, column: int) -> bool:
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    rows = enumerate(sheet.iter_rows(min_row=2, values_only=True), start=2)
    numbers = [number for number, cells in rows if cells[column] == customer]
    for number in reversed(numbers):
        sheet.delete_rows(number)
    if numbers:
        book.save(into)
    return bool(numbers)


_WITHOUT: Mapping[str, Callable[[Path, Path, str, int], bool]] = {
    ".csv": _csv_without,
    ".xlsx": _workbook_without,
    ".parquet": _parquet_without,
}
"""How a file of each ending is written without a customer, and whether it had rows of them."""
