"""DuckDB connections with bounded memory, and quoting of SQL text."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import duckdb

Connection = duckdb.DuckDBPyConnection
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")

# DuckDB takes the later of two instants that a clock change gives the same local time, and so
# the rule of features.timeline.midnight_utc, the earlier one, is kept by hand here.
_TO_UTC = """
create or replace temp macro to_utc(local_time, zone) as case
    when timezone(zone, timezone('UTC',
        timezone('UTC', timezone(zone, local_time)) - interval 1 hour)) = local_time
    then timezone('UTC', timezone(zone, local_time)) - interval 1 hour
    else timezone('UTC', timezone(zone, local_time)) end"""


class ConnectionLimits(Protocol):
    """What a connection may use: threads, and memory as DuckDB writes it (``2GB``)."""

    threads: int
    memory_limit: str


def connect(limits: ConnectionLimits, spill: Path) -> Connection:
    """Open a connection in UTC that keeps to ``limits`` and spills into ``spill``.

    Defines ``to_utc(naive local timestamp, zone)``: the naive UTC instant; the earlier of two when
    a clock change repeats the local time, the time an hour later when it skips it.
    """
    spill.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set autoinstall_known_extensions = false")
    connection.execute(f"set threads = {limits.threads}")
    connection.execute(f"set memory_limit = {literal(limits.memory_limit)}")
    connection.execute(f"set temp_directory = {literal(spill)}")
    connection.execute(_TO_UTC)
    return connection


def literal(value: object) -> str:
    """Quote a value as an SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Quote a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literals(values: Iterable[object]) -> str:
    """Quote values as the inside of an SQL list."""
    return ", ".join(literal(value) for value in values)


def local_to_utc(expression: str, zone: str) -> str:
    """SQL for the UTC instant of a naive local timestamp expression."""
    return expression if zone == "UTC" else f"to_utc({expression}, {literal(zone)})"


def first_line(error: Exception) -> str:
    """The first line of a library's message, without what it quotes: that may be a cell."""
    lines = str(error).splitlines()
    return _QUOTED.sub("…", lines[0]) if lines else type(error).__name__
