"""PostgreSQL driver: one repeatable-read transaction, and what its types are in the contract.

All tables of one database are read in it, so they fit together whatever is written meanwhile.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlencode

from adbc_driver_manager import Error as DriverError
from adbc_driver_postgresql import dbapi

from features.errors import ConfigError, ContractError
from pipelines.runtime.duckdb_connection import identifier
from pipelines.sources.addresses import Address, DroppedError
from pipelines.sources.drivers import Cursor, DatabaseDriver, Fetched
from pipelines.sources.forms import NUMERIC

_TYPES: Mapping[str, str] = {
    **{"int2": "SMALLINT", "int4": "INTEGER", "int8": "BIGINT", "bool": "BOOLEAN"},
    **{"float4": "FLOAT", "float8": "DOUBLE", "numeric": NUMERIC, "money": NUMERIC},
    **{"interval": NUMERIC, "date": "DATE", "timestamp": "TIMESTAMP"},
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
}
_TEXT = ("text", "varchar", "name")
_MOMENTS = ("date", "timestamp", "timestamptz")
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "tcp_user_timeout": "60000",
    "application_name": "stille",
}
# What another attempt does not mend; the server's own words, before its language applies.
_FOR_GOOD = ("authentication failed", "does not exist", "pg_hba.conf", "invalid ", "missing ")
_ABSENT, _DENIED = ("42P01", "3F000"), "42501"


class PostgresDriver(DatabaseDriver):
    """The columns of a table by the types that PostgreSQL declares."""

    declares_types = True

    @contextmanager
    def session(self, address: Address) -> Iterator[Cursor]:
        """A read-only, repeatable-read transaction, rolled back at the end."""
        try:
            uri = with_timeouts(address.uri)
            with dbapi.connect(uri) as connection, connection.cursor() as cursor:
                cursor.execute("set transaction isolation level repeatable read, read only")
                yield cursor
        except DriverError as error:
            raise _meaning(error, address) from None

    def columns(self, cursor: Cursor, table: str) -> dict[str, Fetched]:
        cursor.execute(f"select * from {self.quote(table)} limit 0")
        schema = cursor.fetch_record_batch().schema
        kinds = {
            field.name: (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()
            for field in schema
        }
        return {
            name: Fetched(_TYPES.get(kind, "VARCHAR"), _expression(name, kind))
            for name, kind in kinds.items()
        }


def _meaning(error: DriverError, address: Address) -> Exception:
    said, where = address.hide(str(error)), address.public
    if error.sqlstate in _ABSENT:
        return ContractError(f"{where}: {said}. Is the table named letter by letter, schema first?")
    if error.sqlstate == _DENIED:
        return ContractError(f"{where}: {said}. Grant SELECT on it to the user.")
    if error.sqlstate is None and any(words in said for words in _FOR_GOOD):
        return ConfigError(f"{where}: {said}. Check the address in the environment variable.")
    return DroppedError(said)


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


def with_timeouts(uri: str) -> str:
    """The address with limits on connecting and on a silent network, where it has none."""
    query = uri.partition("?")[2]
    given = dict(parse_qsl(query, keep_blank_values=True))
    added = urlencode({key: value for key, value in _PATIENCE.items() if key not in given})
    joint = "" if not added else "&" if query else "?" if "?" not in uri else ""
    return f"{uri}{joint}{added}"
