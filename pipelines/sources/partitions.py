"""Tables on disk by shard: written as they are read, and seen through a view.

No table is ever held in memory. What a later step finds out about rows changes the view.
"""

from pathlib import Path

from pipelines.runtime.duckdb_connection import Connection, identifier, literal

DICTIONARY = "dictionary_size_limit 1000"
"""For columns of few words; looking for one among keys is a fifth of the cost of writing."""


def write_partitions(connection: Connection, query: str, folder: Path) -> int:
    """Write the rows of a query, which has ``_shard``, below a new ``folder``, by shard.

    Returns how many there are.
    """
    folder.mkdir(parents=True)
    [(rows,)] = connection.execute(
        f"copy ({query}) to {literal(folder)} "
        f"(format parquet, compression snappy, {DICTIONARY}, partition_by (_shard))"
    ).fetchall()
    if not rows:
        path = folder / "_shard=0" / "none.parquet"
        path.parent.mkdir()
        connection.execute(
            f"copy (select * exclude (_shard) from ({query}) limit 0) to {literal(path)} "
            "(format parquet)"
        )
    return int(rows)


def partition(connection: Connection, name: str, query: str, folder: Path) -> None:
    """Write the rows of a query, which may read ``name``, and make them ``name`` from now on."""
    write_partitions(connection, query, folder)
    connection.execute(
        f"create or replace temp view {identifier(name)} as select * from "
        f"read_parquet({literal(folder / '**' / '*.parquet')}, "
        "hive_partitioning = true, hive_types = {'_shard': INTEGER})"
    )


def change_rule(connection: Connection, name: str, rule: str, join: str = "") -> None:
    """Replace ``_rule`` in the view ``name`` by SQL over its rows and those of a left ``join``."""
    [(views,)] = connection.execute("select count(*) from duckdb_views()").fetchall()
    before, view = identifier(f"{name} before {views}"), identifier(name)
    connection.execute(f"alter view {view} rename to {before}")
    connection.execute(
        f"create temp view {view} as select t.* replace ({rule} as _rule) from {before} t {join}"
    )
