"""Database extract: the columns in use of one table as Parquet, digested by content."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_manager.dbapi import Cursor

from features.contract import TABLES
from pipelines.config.sources import Source, composed
from pipelines.runtime.atomic_files import storage_errors
from pipelines.runtime.duckdb_connection import identifier, literal
from pipelines.sources.binding import bind
from pipelines.sources.files import Input
from pipelines.sources.forms import NUMERIC

_TYPES: Mapping[str, str] = {
    **{"int2": "SMALLINT", "int4": "INTEGER", "int8": "BIGINT", "bool": "BOOLEAN"},
    **{"float4": "FLOAT", "float8": "DOUBLE", "numeric": NUMERIC, "money": NUMERIC},
    **{
        "interval": NUMERIC,
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "timestamptz": "TIMESTAMP WITH TIME ZONE",
    },
}
_TEXT = ("text", "varchar", "name")
_MOMENTS = ("date", "timestamp", "timestamptz")
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "tcp_user_timeout": "60000",
    "application_name": "stille",
}
_QUOTED = re.compile(r'"([^"]*)"')


class DroppedError(Exception):
    """The connection broke; its message has no secrets."""


def columns_of(cursor: Cursor, table: str) -> dict[str, str]:
    """Names and PostgreSQL types of a table's columns."""
    cursor.execute(f"select * from {quote_table(table)} limit 0")
    schema = cursor.fetch_record_batch().schema
    kinds = {field.name: (field.metadata or {}).get(b"POSTGRESQL:type", b"") for field in schema}
    return {name: kind.decode() for name, kind in kinds.items()}


def quote_table(table: str) -> str:
    """``schema.table`` as SQL identifiers."""
    return ".".join(map(identifier, table.split(".")))


def fetch(cursor: Cursor, name: str, source: Source, table: str, uri: str, folder: Path) -> Input:
    """Fetch the columns that a source uses of its table into ``folder/<name>.parquet``.

    Raises ``ContractError`` for a column that is not there, ``DroppedError`` when the
    connection breaks, ``PublicationError`` when the disk refuses.
    """
    known = f"{public_address(uri)}/{table}"
    kinds = columns_of(cursor, table)
    types = {composed(column): _TYPES.get(kind, "VARCHAR") for column, kind in kinds.items()}
    bound = bind(TABLES[name], source, types, known)
    used = {column for b in bound.bindings for column in (*b.origin.read, *source.filters)}
    selection = [column for column in kinds if composed(column) in used]
    selected = ", ".join(_expression(column, kinds[column]) for column in selection) or "1 as none"
    cursor.execute(f"select {selected} from {quote_table(table)}")
    path = folder / f"{name}.parquet"
    with storage_errors(f"write {path}"):
        _write(cursor.fetch_record_batch(), path, uri)
    columns = [(column, types[composed(column)]) for column in selection]
    return Input(path, known, digest=_content_digest(path, columns), types=types)


def _expression(column: str, kind: str) -> str:
    name = identifier(column)
    if kind in _MOMENTS:
        # 'infinity' stands for no end and has no Arrow value.
        return f"case when isfinite({name}) then {name} end as {name}"
    if kind == "interval":
        return f"cast(round(extract(epoch from {name})) as numeric) as {name}"
    if kind == "money":
        return f"cast({name} as numeric) as {name}"
    if kind in _TYPES or kind in _TEXT:
        return name
    return f"cast({name} as text) as {name}"


def _write(reader: pa.RecordBatchReader, path: Path, uri: str) -> None:
    schema = pa.schema([(field.name, _stored(field.type)) for field in reader.schema])
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        for batch in _batches(reader, uri):
            columns = [
                column.storage if isinstance(column, pa.ExtensionArray) else column
                for column in batch.columns
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _stored(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _batches(reader: pa.RecordBatchReader, uri: str) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except (OSError, pa.ArrowException) as error:
            raise DroppedError(without_secrets(str(error), uri)) from None
        yield batch


def _content_digest(path: Path, columns: list[tuple[str, str]]) -> str:
    """SHA-256 over the rows as a multiset: a database promises no order."""
    with duckdb.connect() as connection:
        sums = connection.execute(
            "select count(*), sum(md5_number_lower(j)), sum(md5_number_upper(j)) from "
            f"(select cast(to_json(t) as varchar) as j from read_parquet({literal(path)}) t)"
        ).fetchone()
    text = repr([columns, sums])
    return hashlib.sha256(text.encode()).hexdigest()


def public_address(uri: str) -> str:
    """Scheme, host, port and database of an address: no user, no password, no options.

    >>> public_address("postgresql://stille:secret@host:5432/crm?sslmode=require")
    'postgresql://host:5432/crm'
    """
    try:
        parts = urlsplit(uri)
        port = f":{parts.port}" if parts.port is not None else ""
        return f"postgresql://{parts.hostname or 'local'}{port}{parts.path}"
    except ValueError:
        return "postgresql://(an address that cannot be read)"


def with_timeouts(uri: str) -> str:
    """The address with limits on connecting and on a silent network, where it has none."""
    query = uri.partition("?")[2]
    given = dict(parse_qsl(query, keep_blank_values=True))
    added = urlencode({key: value for key, value in _PATIENCE.items() if key not in given})
    joint = "" if not added else "&" if query else "?" if "?" not in uri else ""
    return f"{uri}{joint}{added}"


def without_secrets(text: str, uri: str) -> str:
    """The first line of a message of the database, with nothing of the password in it."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    userinfo = uri.partition("://")[2].rpartition("@")[0]
    user, _, password = userinfo.partition(":")
    option = dict(parse_qsl(uri.partition("?")[2])).get("password", "")
    for secret in (userinfo, password, unquote(password), option):
        if len(secret) > 1 and secret != user:
            line = line.replace(secret, "***")

    def hide(quoted: re.Match[str]) -> str:
        part = quoted.group(1)
        return '"***"' if part and part in userinfo and part != user else quoted.group(0)

    return _QUOTED.sub(hide, line)
