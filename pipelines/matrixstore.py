"""Matrices kept by as-of date, so that a past date is computed again only for new features.

A file holds one shard at one as-of date; its metadata maps each column to the digest of the
feature's definition. What was known at a past date does not change, so a kept column stays
right as long as the definition, the mapping of the tables and the cohort are the same; the
caller checks one date against a fresh computation before it believes the others.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.catalog import Catalog, definition
from pipelines.settings import Settings

KEYS = ("customer_id", "as_of", "product_line")
_DIGESTS = b"stille:definitions"


@dataclass(frozen=True, slots=True)
class MatrixStore:
    """The kept matrices of one mapping and number of shards."""

    root: Path

    def kept(self, as_of: date, shard: int) -> Mapping[str, str]:
        """Column → definition digest of what is kept; empty when nothing (readable) is."""
        try:
            metadata = pq.read_schema(self._path(as_of, shard)).metadata or {}
            digests: dict[str, str] = json.loads(metadata.get(_DIGESTS, b"{}"))
        except (OSError, pa.ArrowException, ValueError):
            return {}
        return digests

    def read(self, as_of: date, shard: int, names: Sequence[str]) -> pa.Table | None:
        """The key columns and the named ones, sorted by customer; None when damaged."""
        try:
            file = pq.ParquetFile(self._path(as_of, shard), page_checksum_verification=True)
            return file.read([*KEYS, *names]).replace_schema_metadata(None)
        except (OSError, pa.ArrowException):
            return None

    def keep(self, as_of: date, shard: int, rows: pa.Table, digests: Mapping[str, str]) -> None:
        """Replace the file by ``rows``, whose columns have these definition digests."""
        path = self._path(as_of, shard)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{secrets.token_hex(4)}.tmp")
        named = rows.replace_schema_metadata({_DIGESTS: json.dumps(dict(digests)).encode()})
        pq.write_table(named, temporary, compression="zstd", write_page_checksum=True)
        temporary.replace(path)

    def _path(self, as_of: date, shard: int) -> Path:
        return self.root / f"as_of={as_of}" / f"shard={shard:04d}.parquet"


def open_store(settings: Settings, shards: int) -> MatrixStore:
    """The store of this mapping: other columns, delays, zones or dialects make another store."""
    deciding = settings.model_dump(mode="json", include={"company", "dialect", "sources"})
    text = json.dumps([deciding, shards], sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    return MatrixStore(settings.paths.var / "matrices" / name)


def definition_digests(catalog: Catalog) -> dict[str, str]:
    """Feature → SHA-256 (hex) of the text that decides its values."""
    return {
        feature.name: hashlib.sha256(definition(feature, catalog).encode()).hexdigest()
        for feature in catalog.features
    }


def joined(kept: pa.Table, fresh: pa.Table, names: Sequence[str]) -> pa.Table:
    """Two tables of the same rows as one: keys, then ``names``, each from the fresher."""
    columns = {
        name: (fresh if name in fresh.column_names else kept)[name] for name in (*KEYS, *names)
    }
    return pa.table(columns)
