"""Loads one table of the contract into DuckDB, with the rule that each row breaks, if any."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from features.errors import ContractError
from features.tables import Table
from pipelines.binding import Binding, Bound, bind
from pipelines.conversion import Forms
from pipelines.database import identifier, literal
from pipelines.settings import Settings, Source
from pipelines.sources import Part, open_part, prove_rows, refuse_broken
from pipelines.typed import SKIPPED, contract_columns, future_rule, part_select, row_rule

CUSTOMERS = "customer_shards"
REPEATED = "key: repeated"
# A damaged file can raise any other error of DuckDB's, also its bare base class.
_OUR_OWN_FAULT = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A table in DuckDB under ``name``: its columns and ``event_at``, ``known_at``.

    Besides, ``_file`` and ``_row`` tell where a row came from, ``_rule`` what it breaks (null:
    nothing), ``_shard`` the customer's shard. ``rules`` counts rows by rule.
    """

    name: str
    table: Table
    parts: tuple[Part, ...]
    bound: Bound
    columns: tuple[str, ...]
    rules: Mapping[str, int]
    source_rows: int


def load_table(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    table: Table,
    files: Sequence[Path],
    scratch: Path,
    limit: datetime | None,
) -> Loaded:
    """Read every file of ``table``; all tables but customers need ``CUSTOMERS`` made before.

    Raises ``ContractError`` for anything that is not one row's own fault.
    """
    source, dialect = settings.sources[table.name], settings.dialect_of(table.name)
    forms = Forms(
        dialect, settings.zone_of(table.name), settings.company.timezone, source.money_unit
    )
    parts, bounds = [], []
    for index, path in enumerate(files):
        copy = scratch / f"{table.name}-{index}.csv"
        part = open_part(connection, path, source.kind, dialect, copy)
        bound = _with_siblings(bind(table, source, part.columns, str(path)), settings, source)
        _insert(connection, table, source, part, index, bound.bindings, forms, limit)
        parts.append(part)
        bounds.append(bound)
    _prove(connection, table, parts, forms)
    bound = _together(bounds)
    _settle_duplicates(connection, table, source, bound.bindings, parts)
    rules = _count_rules(connection, table)
    rows = sum(rules.values()) - rules.pop(SKIPPED, 0)
    rules.pop("", None)
    columns = (*(c.name for c in table.columns), *_attributes(bound.bindings))
    return Loaded(table.name, table, tuple(parts), bound, columns, rules, rows)


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    source: Source,
    part: Part,
    index: int,
    bindings: Sequence[Binding],
    forms: Forms,
    limit: datetime | None,
) -> None:
    columns = contract_columns(table, bindings, forms.company_zone, source.known_delay_days)
    orphan, shard, join = "", "cast(null as INTEGER)", ""
    if table.per_customer and table.name != "customers":
        orphan = "when _shard is null then 'customer_id: not in customers'"
        shard, join = "_shard", f"left join {CUSTOMERS} using (customer_id)"
    future = "" if table.planned else future_rule(limit)
    target = f"insert into {identifier(table.name)} by name"
    if index == 0:
        target = f"create or replace temp table {identifier(table.name)} as"
    query = f"""{target}
        with typed as ({part_select(part, index, bindings, source, forms)}),
        ruled as (select *, {row_rule(table, bindings)} as _own from typed),
        complete as (select _file, _row, _own, {", ".join(columns)} from ruled)
        select complete.* exclude (_own, _event_at, _known_at), {shard} as _shard,
            _event_at as event_at, _known_at as known_at,
            case when _own is not null then _own {future} {orphan} end as _rule
        from complete {join}"""
    try:
        connection.execute(query)
    except (duckdb.OutOfMemoryException, *_OUR_OWN_FAULT):
        raise
    except duckdb.Error as error:
        raise refuse_broken(part, forms.dialect, error) from error


def _prove(
    connection: duckdb.DuckDBPyConnection, table: Table, parts: Sequence[Part], forms: Forms
) -> None:
    counted = connection.execute(
        f"select _file, count(*) from {identifier(table.name)} group by _file"
    ).fetchall()
    rows = {int(index): int(count) for index, count in counted}
    for index, part in enumerate(parts):
        prove_rows(part, forms.dialect, rows.get(index, 0))
    if table.required and not rows:
        raise ContractError(f"{parts[0].path}: no rows, and {table.name} are needed")


def _together(bounds: Sequence[Bound]) -> Bound:
    return Bound(
        bindings=_first_of_each(bounds),
        absent=tuple(dict.fromkeys(name for bound in bounds for name in bound.absent)),
        unread=tuple(dict.fromkeys(name for bound in bounds for name in bound.unread)),
        forbidden=tuple(dict.fromkeys(name for bound in bounds for name in bound.forbidden)),
    )


def _first_of_each(bounds: Sequence[Bound]) -> tuple[Binding, ...]:
    named = {b.column.name: b for bound in reversed(bounds) for b in reversed(bound.bindings)}
    return tuple(reversed(named.values()))


def _with_siblings(bound: Bound, settings: Settings, source: Source) -> Bound:
    """Columns that another table reads from the same files, or drops, are not unread."""
    used: set[str | None] = set()
    for other in settings.sources.values():
        if other.path == source.path:
            used |= {origin.column for origin in other.columns.values()}
            used |= {attribute.column for attribute in other.attributes.values()}
            used |= {*other.rows_with, *other.dropped}
    return replace(bound, unread=tuple(name for name in bound.unread if name not in used))


def _attributes(bindings: Sequence[Binding]) -> list[str]:
    return [b.column.name for b in bindings if b.column.name.startswith("attr_")]


def identity(table: Table, source: Source, bindings: Sequence[Binding]) -> tuple[str, ...]:
    """Columns that tell two rows apart: the key, or every other column when it is a row number."""
    if source.levels:
        return ("customer_id", "contract_id", "effective_on")
    made = {b.column.name for b in bindings if b.origin.row_number}
    if not made.intersection(table.key):
        return table.key
    return tuple(c.name for c in table.columns if c.name not in made)


def _settle_duplicates(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    source: Source,
    bindings: Sequence[Binding],
    parts: Sequence[Part],
) -> None:
    by_number = any(b.origin.row_number and b.column.name in table.key for b in bindings)
    if by_number and source.duplicates == "refuse":
        return
    name = identifier(table.name)
    keys = identity(table, source, bindings)
    key = ", ".join(map(identifier, keys))
    repeated = connection.execute(
        f"select {key}, list(_row order by _file, _row)[:5], min(_file) from {name} "
        f"where _rule is null group by {key} having count(*) > 1 order by {key} limit 3"
    ).fetchall()
    if not repeated:
        return
    if source.duplicates == "refuse":
        raise _repeated_key(table, keys, repeated, parts)
    connection.execute(
        f"update {name} set _rule = {literal(REPEATED)} where rowid in (select rowid from {name} "
        f"where _rule is null "
        f"qualify row_number() over (partition by {key} order by _file, _row) > 1)"
    )


def _repeated_key(
    table: Table,
    keys: Sequence[str],
    repeated: Sequence[tuple[Any, ...]],
    parts: Sequence[Part],
) -> ContractError:
    shown = "; ".join(
        f"{', '.join(map(str, row[:-2]))} in rows {', '.join(map(str, row[-2]))} "
        f"of {parts[row[-1]].path}"
        for row in repeated
    )
    return ContractError(
        f"{table.name}: repeated key ({', '.join(keys)}): {shown}. Mend the export, or keep "
        f"the first of each with sources.{table.name}.duplicates: drop"
    )


def _count_rules(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, int]:
    counted = connection.execute(
        f"select coalesce(_rule, ''), count(*) from {identifier(table.name)} group by 1 order by 1"
    ).fetchall()
    return {str(rule): int(count) for rule, count in counted}


def make_shards(connection: duckdb.DuckDBPyConnection, shard_size: int) -> int:
    """Number every accepted customer's shard in ``CUSTOMERS``; return the number of shards.

    Raises ``ContractError`` when no customer is left.
    """
    counted = connection.execute("select count(*) from customers where _rule is null").fetchone()
    customers = int(counted[0]) if counted else 0
    if customers == 0:
        raise ContractError("customers: no row keeps the contract; see the quarantine")
    shards = max(1, -(-customers // shard_size))
    connection.execute(
        f"create or replace temp table {CUSTOMERS} as select customer_id, "
        f"cast(md5_number_lower(customer_id) % {shards} as INTEGER) as _shard "
        "from customers where _rule is null"
    )
    connection.execute(
        f"update customers set _shard = cast(md5_number_lower(customer_id) % {shards} as INTEGER) "
        "where _rule is null"
    )
    return shards


def levels_to_changes(connection: duckdb.DuckDBPyConnection) -> None:
    """Replace price levels by changes: each level that differs from the one before it.

    Levels follow one another by ``effective_on`` within a customer and contract.
    """
    connection.execute(
        """create or replace temp table price_changes as
        select * exclude (_before) replace (
            concat_ws('|', customer_id, contract_id, effective_on) as change_id,
            cast(_before as DECIMAL(18,6)) as old_price)
        from (
            select *, lag(new_price) over (
                partition by customer_id, contract_id order by effective_on) as _before
            from price_changes where _rule is null)
        where _before <> new_price
        union all by name
        select * from price_changes where _rule is not null"""
    )
