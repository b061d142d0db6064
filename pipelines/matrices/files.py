"""The files of a matrix: one shard at one as-of date, as Parquet.

The metadata of a features' file maps each column to the digest of its feature's definition.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

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
        digests: dict[str, str] = json.loads(metadata.get(_DIGESTS, b"{}"))
    except (OSError, pa.ArrowException, ValueError):
        return {}
    return digests


def read_features(path: Path, names: Sequence[str]) -> pa.Table | None:
    """The key columns and the named ones, sorted by customer; None when damaged."""
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        return file.read([*KEYS, *names]).replace_schema_metadata(None)
    except (OSError, pa.ArrowException):
        return None


def joined(stored: pa.Table, fresh: pa.Table, names: Sequence[str]) -> pa.Table:
    """Two tables of the same rows as one: keys, then ``names``, each from the fresher."""
    columns = {
        name: (fresh if name in fresh.column_names else stored)[name] for name in (*KEYS, *names)
    }
    return pa.table(columns)
