"""Table loading into DuckDB, with the rule that each row breaks, if any."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from features.contract import TABLES, Table
from features.errors import ContractError
from pipelines.config.settings import Settings
from pipelines.config.sources import REPORTED, Dialect, Source
from pipelines.runtime.duckdb_connection import Connection, connect, identifier, literal
from pipelines.runtime.secret_keys import PSEUDONYM, key_of
from pipelines.snapshots.profiling import counts
from pipelines.sources import type_casting
from pipelines.sources.binding import Binding, Bound, bind, refuse_no_zone
from pipelines.sources.doubts import Doubts
from pipelines.sources.files import Input, find_files
from pipelines.sources.forms import Forms
from pipelines.sources.joins import join_files
from pipelines.sources.midnights import days_as_shown
from pipelines.sources.partitions import view_partitions, write_partitions
from pipelines.sources.personal_data import define_pseudonym
from pipelines.sources.readable_part import Part
from pipelines.sources.readers import READERS, open_part
from pipelines.sources.type_casting import SKIPPED

CUSTOMERS = "customer_shards"
# A damaged file can raise any other error of DuckDB's, also its bare base class.
_OUR_OWN_FAULT = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A table on disk and its view ``name`` in DuckDB: its columns, ``event_at``, ``known_at``.

    Besides, ``_file`` and ``_row`` tell where a row came from, ``_rule`` what it breaks (null:
    nothing), ``_shard`` the customer's shard. ``rules`` counts rows by rule, ``null_dates`` those
    by column whose date stands for none; ``refusal`` is why the table as a whole breaks the
    contract.
    """

    name: str
    table: Table
    parts: tuple[Part, ...]
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
    *,
    customers_known: bool = True,
) -> Loaded:
    """Read every input of ``table``; all tables but customers need ``CUSTOMERS`` made before.

    The rows are written below ``scratch``, by shard, and seen through the view that is returned.
    Without ``customers_known`` nobody's id is looked up, and all rows lie in one shard. Raises
    ``ContractError`` for anything that is not one row's own fault.
    """
    source, dialect = settings.sources[table.name], settings.dialect_of(table.name)
    match_customers = customers_known and table.per_customer and table.name != "customers"
    company = settings.company
    forms = Forms(
        *(dialect, settings.zone_of(table.name), company.timezone, source.money_unit),
        currency=company.currency,
        zone_given=source.timezone is not None,
        pseudonyms=company.pseudonyms,
    )
    if company.pseudonyms:
        define_pseudonym(connection, key_of(PSEUDONYM, settings.paths.var))
    folder, parts, bounds = scratch / table.name, [], []
    for index, given in enumerate(inputs):
        copy = scratch / f"{table.name}-{index}.csv"
        # What people reported has the ids of the lists, and the contract's own forms.
        own = REPORTED if given.reported else source
        form = replace(forms, zone="UTC", pseudonyms=False) if given.reported else forms
        part = open_part(connection, given, own, dialect, copy)
        part = join_files(connection, part, own, given, dialect, copy)
        bound = bind(table, own, part.columns, part.name)
        refuse_no_zone(table, own, dialect, part.columns, bound.bindings)
        READERS[own.kind].verify(part, [name for b in bound.bindings for name in b.origin.read])
        with _explained(own, part, dialect):
            shown = days_as_shown(connection, part, bound.bindings, table.name, own, form)
            typed = type_casting.part_select(part, index, bound.bindings, own, form, shown)
            delay = own.known_delay_days or 0
            columns = type_casting.contract_columns(table, bound.bindings, company.timezone, delay)
            query = _ruled(table, bound.bindings, typed, columns, limit, match_customers)
            write_partitions(connection, query, folder / str(index))
        parts.append(part)
        bounds.append(bound)
    view_partitions(connection, table.name, folder, alike=not source.attributes)
    # What people report adds rows to the company's table, and no column that it lacks.
    exported = sum(not given.reported for given in inputs)
    _prove(connection, table, source, parts[:exported], forms)
    bound = _with_siblings(_together(bounds[: exported or None]), settings.sources, source)
    asked = (parts, exported or len(parts), dialect, company.timezone, limit)
    refusals = Doubts(connection, table, source, bound.bindings, *asked).settle()
    rules = counts(
        connection,
        f"select coalesce(_rule, ''), count(*) from {identifier(table.name)} group by 1 order by 1",
    )
    rows = sum(rules.values()) - rules.pop(SKIPPED, 0)
    rules.pop("", None)
    columns = (*(c.name for c in table.columns), *type_casting.attribute_names(bound.bindings))
    refusal = ContractError("\n".join(map(str, refusals))) if refusals else None
    none = counts(
        connection,
        f"select unnest(string_split(_none, ',')), count(*) from {identifier(table.name)} "
        f"where _none is not null and _rule is distinct from {literal(SKIPPED)} "
        "group by 1 order by 1",
    )
    return Loaded(table.name, table, tuple(parts), bound, columns, rules, rows, refusal, none)


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


def _ruled(
    table: Table,
    bindings: Sequence[Binding],
    typed: str,
    columns: Sequence[str],
    limit: datetime | None,
    match_customers: bool,
) -> str:
    """SQL of a file's rows (``typed``) as ``Loaded`` has them, each with the rule it breaks."""
    orphan, shard, join = "", "0", ""
    if match_customers:
        orphan = "when _shard is null then 'customer_id: not in customers'"
        shard, join = "coalesce(_shard, 0)", f"left join {CUSTOMERS} using (customer_id)"
    future = ""
    if limit is not None and not table.planned:
        future = f"when _event_at >= TIMESTAMP {literal(limit)} then 'event_at: in the future'"
    return f"""
        with typed as ({typed}),
        ruled as (select *, {type_casting.row_rule(table, bindings)} as _own from typed),
        complete as (
            select _file, _row, _own, _none, _decimals, _doubt, {", ".join(columns)} from ruled)
        select complete.* exclude (_own, _event_at, _known_at), {shard} as _shard,
            _event_at as event_at, _known_at as known_at,
            case when _own is not null then _own {future} {orphan} else _doubt end as _rule
        from complete {join}"""


@contextmanager
def _explained(source: Source, part: Part, dialect: Dialect) -> Iterator[None]:
    """Say of a file that DuckDB cannot read what its reader knows of it."""
    try:
        yield
    except (duckdb.OutOfMemoryException, *_OUR_OWN_FAULT):
        raise
    except duckdb.Error as error:
        raise READERS[source.kind].broken(part, dialect, error) from error


def _prove(
    connection: Connection, table: Table, source: Source, parts: Sequence[Part], forms: Forms
) -> None:
    counted = connection.execute(
        f"select _file, count(*) from {identifier(table.name)} group by _file"
    ).fetchall()
    if not parts:
        return
    rows = {int(index): int(count) for index, count in counted if int(index) < len(parts)}
    for index, part in enumerate(parts):
        READERS[source.kind].prove(part, forms.dialect, rows.get(index, 0))
    if table.required and not rows:
        raise ContractError(f"{parts[0].name}: no rows, and {table.name} are needed")
    if not rows and not READERS[source.kind].may_be_empty:
        raise ContractError(
            f"{parts[0].name}: no rows, as after an export that broke off; if there are none yet, "
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
