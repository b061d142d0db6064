"""Table loading into DuckDB, with the rule that each row breaks, if any."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from features.contract import TABLES, Table
from features.errors import ContractError
from pipelines.config.settings import Settings
from pipelines.config.sources import REPORTED, Source
from pipelines.runtime.duckdb_connection import Connection, connect, identifier, literal, literals
from pipelines.snapshots.typed_rows import typed_input
from pipelines.snapshots.typed_store import TypedFile, TypedStore
from pipelines.sources import type_casting
from pipelines.sources.binding import Bound, bind
from pipelines.sources.doubts import Doubts
from pipelines.sources.files import Input, InputDigests, find_files
from pipelines.sources.partitions import change_rule
from pipelines.sources.readable_part import Part
from pipelines.sources.readers import READERS, join_files, open_part
from pipelines.sources.type_casting import SKIPPED

CUSTOMERS = "customer_shards"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A table on disk and its view ``name`` in DuckDB: its columns, ``event_at``, ``known_at``.

    Besides, ``_file`` and ``_row`` tell where a row came from, ``_rule`` what it breaks (null:
    nothing), ``_shard`` the customer's shard. ``rules`` counts rows by rule, ``null_dates`` those
    by column whose date stands for none; ``refusal`` is why the table as a whole breaks the
    contract. ``open`` gives the file of an index itself.
    """

    name: str
    table: Table
    files: tuple[TypedFile, ...]
    open: Callable[[int], Part]
    bound: Bound
    columns: tuple[str, ...]
    rules: Mapping[str, int]
    source_rows: int
    refusal: ContractError | None = None
    null_dates: Mapping[str, int] = field(default_factory=dict)


def load_table(
    connection: Connection,
    settings: Settings,
    table: Table,
    inputs: Sequence[Input],
    scratch: Path,
    limit: datetime | None,
    store: TypedStore | None = None,
    *,
    shards: int = 1,
    customers_known: bool = True,
) -> Loaded:
    """Read every input of ``table``; all tables but customers need ``CUSTOMERS`` made before.

    The rows lie in ``store`` (by default below ``scratch``), by shard, and are seen through the
    view that is returned; an input whose rows are there is not read again. Without
    ``customers_known`` nobody's id is looked up. Raises ``ContractError`` for anything that is not
    one row's own fault, and ``BusyError`` when an input has changed since its digest was found.
    """
    source, dialect = settings.sources[table.name], settings.dialect_of(table.name)
    if store is None:
        digests = InputDigests(scratch / "digests.json", {table.name: tuple(inputs)})
        store = TypedStore(scratch / "typed", digests)

    @cache
    def opened(index: int) -> Part:
        given, copy = inputs[index], scratch / f"{table.name}-{index}.csv"
        own = REPORTED if given.reported else source
        part = open_part(connection, given, own, dialect, copy)
        return join_files(connection, part, own, given, dialect, copy)

    read = [
        typed_input(connection, settings, table, given, partial(opened, index), store, shards)
        for index, given in enumerate(inputs)
    ]
    files, bounds = zip(*read, strict=True)
    match_customers = customers_known and table.per_customer and table.name != "customers"
    _see(connection, table, files, limit, match_customers, alike=not source.attributes)
    # What people report adds rows to the company's table, and no column that it lacks.
    exported = sum(not given.reported for given in inputs)
    _refuse_empty(table, source, files[:exported])
    bound = _with_siblings(_together(bounds[: exported or None]), settings.sources, source)
    names, types = [file.name for file in files], [f.columns for f in files[: exported or None]]
    asked = (names, types, dialect, settings.company.timezone, limit)
    doubtful, _, decimals = _counted(connection, table)
    doubts = Doubts(connection, table, source, bound.bindings, *asked, doubtful, decimals)
    refusals = doubts.settle()
    rules, none, _ = _counted(connection, table)
    if set(rules) <= {""}:
        change_rule(connection, table.name, "cast(null as VARCHAR)")
    rows = rules.total() - rules.pop(SKIPPED, 0)
    rules.pop("", None)
    columns = (*(c.name for c in table.columns), *type_casting.attribute_names(bound.bindings))
    refusal = ContractError("\n".join(map(str, refusals))) if refusals else None
    seen = (table.name, table, files, opened, bound, columns, rules, rows)
    return Loaded(*seen, refusal, none)


def columns_absent(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The contract's columns that the headers of each table's files lack now.

    A table in a database, or one whose files cannot be read, is left out.
    """
    absent = {}
    with TemporaryDirectory() as folder, connect(settings.engine, Path(folder)) as connection:
        for name, source in settings.sources.items():
            dialect, copy = settings.dialect_of(name), Path(folder) / f"{name}.csv"
            with suppress(ContractError):
                bounds = []
                for given in find_files(settings, name) if source.database is None else ():
                    part = open_part(connection, given, source, dialect, copy)
                    bounds.append(bind(TABLES[name], source, part.columns, part.name))
                if bounds:
                    absent[name] = _together(bounds).absent
    return absent


def _see(
    connection: Connection,
    table: Table,
    files: Sequence[TypedFile],
    limit: datetime | None,
    match_customers: bool,
    *,
    alike: bool,
) -> None:
    """Make the view of a table's typed rows, with what other tables and the night say of them."""
    paths = literals(path for file in files for path in file.paths)
    rows = (
        f"read_parquet([{paths}], union_by_name = {not alike}, hive_partitioning = true, "
        "hive_types = {'_key': VARCHAR, '_shard': INTEGER})"
    )
    others = ""
    if limit is not None and not table.planned:
        others = f"when event_at >= TIMESTAMP {literal(limit)} then 'event_at: in the future'"
    if match_customers:
        connection.execute(
            f"create or replace temp table strangers as select distinct customer_id from {rows} "
            f"anti join {CUSTOMERS} using (customer_id)"
        )
        # Every later step reads the view, and would look each row up.
        if connection.execute("from strangers limit 1").fetchall():
            strange = "customer_id in (select customer_id from strangers)"
            others += f" when {strange} then 'customer_id: not in customers'"
    connection.execute(
        f"create or replace temp view {identifier(table.name)} as select * exclude (_key, _own), "
        f"list_position([{literals(file.key for file in files)}], _key) - 1 as _file, "
        f"case when _own is not null then _own {others} else _doubt end as _rule from {rows}"
    )


def _counted(connection: Connection, table: Table) -> tuple[Counter[str], Counter[str], bool]:
    """Rows by rule ("" for none), rows by column whose date stands for none, any ``_decimals``."""
    rules, none, decimals = Counter[str](), Counter[str](), False
    found = connection.execute(
        "select coalesce(_rule, ''), coalesce(_none, ''), count(*), bool_or(_decimals) "
        f"from {identifier(table.name)} group by 1, 2 order by 1, 2"
    ).fetchall()
    for rule, names, rows, fractions in found:
        rules[rule] += rows
        none.update(dict.fromkeys(names.split(",") if names and rule != SKIPPED else (), rows))
        decimals = decimals or fractions
    return rules, none, decimals


def _refuse_empty(table: Table, source: Source, files: Sequence[TypedFile]) -> None:
    if not files or any(file.rows for file in files):
        return
    if table.required:
        raise ContractError(f"{files[0].name}: no rows, and {table.name} are needed")
    if not READERS[source.kind].may_be_empty:
        raise ContractError(
            f"{files[0].name}: no rows, as after an export that broke off; if there are none yet, "
            f"leave sources.{table.name} out of the configuration, then run: stille check"
        )


def _together(bounds: Sequence[Bound]) -> Bound:
    named = {b.column.name: b for bound in reversed(bounds) for b in reversed(bound.bindings)}
    names = zip(*((b.absent, b.unread, b.forbidden) for b in bounds), strict=True)
    absent, unread, forbidden = (tuple(dict.fromkeys(chain(*each))) for each in names)
    return Bound(tuple(reversed(named.values())), absent, unread, forbidden)


def _with_siblings(bound: Bound, sources: Mapping[str, Source], source: Source) -> Bound:
    """Columns that another table reads from the same files, or drops, are not unread."""
    used: set[str] = set()
    for other in sources.values():
        if other.place == source.place:
            used |= {name for origin in other.columns.values() for name in origin.read}
            used |= {attribute.column for attribute in other.attributes.values()}
            used |= {*other.filters, *other.dropped}
    return replace(bound, unread=tuple(name for name in bound.unread if name not in used))
