"""Deduplication by key: refused, set aside but for one of each, or versions, as declared."""

from collections.abc import Sequence

from features.contract import Table
from features.errors import ContractError
from pipelines.config.sources import Source
from pipelines.runtime.duckdb_connection import Connection, identifier, literal
from pipelines.sources.binding import Binding
from pipelines.sources.readable_part import Part
from pipelines.sources.type_casting import SKIPPED

REPEATED = "key: repeated"


def identity(table: Table, source: Source, bindings: Sequence[Binding]) -> tuple[str, ...]:
    """Columns that tell two rows apart: the key, or every other column when it is a row number."""
    if source.levels:
        return ("customer_id", "contract_id", "effective_on")
    made = {b.column.name for b in bindings if b.origin.row_number}
    if not made.intersection(table.key):
        return table.key
    return tuple(c.name for c in table.columns if c.name not in made)


def settle_duplicates(
    connection: Connection,
    table: Table,
    source: Source,
    bindings: Sequence[Binding],
    parts: Sequence[Part],
) -> ContractError | None:
    """Give repeated rows their rule, or leave them out; one of each stays.

    It is the first in the files, or with ``duplicates: last`` the one known last; versions all
    stay. Returns why the table is refused: for repeated rows where the source says so, for versions
    that nothing puts in order or that belong to two customers.
    """
    name = identifier(table.name)
    if source.duplicates == "versions":
        disorder = "count(*) > count(distinct known_at) or count(distinct customer_id) > 1"
        broken = _first_keys(connection, table, table.key, disorder, parts)
        if not broken:
            return None
        return ContractError(
            f"{table.name}: versions of one key ({', '.join(table.key)}) known at the same "
            f"instant, or of two customers: {broken}. Mend the export: each version has the key "
            "and the customer of the others, and a later known_at"
        )
    by_number = any(b.origin.row_number and b.column.name in table.key for b in bindings)
    if by_number and source.duplicates == "refuse":
        return None
    keys = identity(table, source, bindings)
    repeated = _first_keys(connection, table, keys, "count(*) > 1", parts)
    if not repeated:
        return None
    rule = SKIPPED if source.duplicates in ("first", "last") else REPEATED
    kept = "known_at desc, _file desc, _row desc" if source.duplicates == "last" else "_file, _row"
    connection.execute(
        f"update {name} set _rule = {literal(rule)} where rowid in (select rowid from {name} "
        f"where _rule is null qualify row_number() over ("
        f"partition by {', '.join(map(identifier, keys))} order by {kept}) > 1)"
    )
    if source.duplicates != "refuse":
        return None
    where = f"sources.{table.name}.duplicates"
    log = f"; where the file has a row per change: {where}: versions, or last for the newest"
    return ContractError(
        f"{table.name}: repeated key ({', '.join(keys)}): {repeated}. Mend the export, or keep "
        f"the first of each with {where}: drop{log if table.may_have_versions else ''}"
    )


def _first_keys(
    connection: Connection, table: Table, keys: Sequence[str], having: str, parts: Sequence[Part]
) -> str:
    """The rows of the first keys of which the SQL condition ``having`` holds; empty for none."""
    key = ", ".join(map(identifier, keys))
    found = connection.execute(
        f"select list(_row order by _file, _row)[:5], min(_file) from {identifier(table.name)} "
        f"where _rule is null group by {key} having {having} order by {key} limit 3"
    ).fetchall()
    return "; ".join(
        f"rows {', '.join(map(str, numbers))} of {parts[file].name}" for numbers, file in found
    )
