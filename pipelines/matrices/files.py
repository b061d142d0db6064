"""The files of a matrix, one shard at one as-of date, as Parquet, and the folder of a run's.

The metadata of a features' file maps each column to the digest of its feature's definition.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipelines.snapshots.folder_lock import fresh_folder, remove_if_free

KEYS = ("customer_id", "as_of", "product_line")
_DIGESTS = b"stille:definitions"


@dataclass(frozen=True, slots=True)
class MatrixPart:
    """Files with one row per cohort customer, the same ones in the same order.

    ``features`` has the key columns and the features, ``outcomes`` (of a labelled matrix)
    customer_id and as_of, by which the order is checked, and ``outcome`` and ``label``, both null
    for a customer who is no example.
    """

    features: Path
    outcomes: Path | None = None


def write_table(path: Path, rows: pa.Table) -> None:
    """Write a whole new file: a file of that name, which others may share, is left alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    pq.write_table(rows, temporary, compression="zstd", write_page_checksum=True)
    temporary.replace(path)


def write_features(path: Path, rows: pa.Table, digests: Mapping[str, str]) -> None:
    """Write ``rows``, whose columns have these definition digests."""
    write_table(path, rows.replace_schema_metadata({_DIGESTS: json.dumps(dict(digests)).encode()}))


def digests_in(path: Path) -> Mapping[str, str]:
    """Column → definition digest; empty when there is no readable file."""
    try:
        metadata = pq.read_schema(path).metadata or {}
        return dict(json.loads(metadata.get(_DIGESTS, b"{}")))
    except (OSError, pa.ArrowException, ValueError, TypeError):
        return {}


def read_features(path: Path, names: Sequence[str]) -> pa.Table | None:
    """The key columns and the named ones, sorted by customer; None when damaged."""
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        return file.read([*KEYS, *names]).replace_schema_metadata(None)
    except (OSError, pa.ArrowException):
        return None


AFTERWARDS = ("outcome", "label", "ended_on", "cause")


def read_matrix(parts: Sequence[MatrixPart], columns: Sequence[str]) -> pd.DataFrame:
    """The named columns of a matrix as one frame, in the order of its parts; any outcomes follow.

    Raises ``ValueError`` when an outcome file has other customers or dates than its features, or
    the same in another order: the columns are put side by side by position.
    """
    table, keys = _read([part.features for part in parts], columns), ("customer_id", "as_of")
    outcomes = [part.outcomes for part in parts if part.outcomes is not None]
    for part in parts:
        if part.outcomes and not _read([part.features], keys).equals(_read([part.outcomes], keys)):
            raise ValueError(f"{part.outcomes}: not the rows of {part.features}, in the same order")
    if outcomes:
        ended = _read(outcomes, AFTERWARDS)
        for name in ended.column_names:
            table = table.append_column(name, ended[name])
    frame: pd.DataFrame = table.to_pandas(date_as_object=False)
    return frame


def read_rows(
    parts: Sequence[MatrixPart], columns: Sequence[str], customer_id: "pd.Series[str]"
) -> pd.DataFrame:
    """The named columns of these customers of a matrix of one date, in their order and index."""
    theirs = ds.field("customer_id").isin(pa.array(customer_id.unique()))
    rows = _read([part.features for part in parts], columns, theirs)
    frame: pd.DataFrame = rows.to_pandas(date_as_object=False)
    at = pd.Index(frame["customer_id"]).get_indexer(customer_id)
    in_order: pd.DataFrame = frame.iloc[at].set_axis(customer_id.index)
    return in_order


def _read(
    paths: Sequence[Path], columns: Sequence[str], where: ds.Expression | None = None
) -> pa.Table:
    files = ds.dataset([str(path) for path in paths], format="parquet")
    return files.to_table(list(columns), filter=where)


@contextmanager
def scratch(root: Path, run_id: str) -> Iterator[Path]:
    """A run's empty folder below ``root``; gone when the block ends, however it ends.

    Removes the folders of runs that were killed, whose locks the system has freed; another
    company's run, which may share the ``paths.var`` of its configuration, keeps its folder while it
    lives. Raises ``FileExistsError`` when a living run has this name.
    """
    root.mkdir(parents=True, exist_ok=True)
    for left in root.iterdir():
        remove_if_free(left)
    folder, _lock = fresh_folder(root / run_id)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
