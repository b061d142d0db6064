"""Typed rows of one table's inputs: the contract's columns, and the rule each breaks on its own.

Local midnight may be written in UTC (``2024-05-31T22:00:00Z`` for 1 June in Oslo), or the day with
a midnight that means no zone. East of Greenwich the company's day is right for both; west of it the
data say which it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import duckdb

from features.contract import Table
from features.errors import ContractError
from pipelines.config.settings import Settings
from pipelines.config.sources import FORMATS, REPORTED, Source
from pipelines.runtime.duckdb_connection import Connection, local_to_utc
from pipelines.runtime.secret_keys import PSEUDONYM, key_fingerprint, key_of
from pipelines.snapshots.typed_store import TypedFile, TypedStore
from pipelines.sources import date_forms
from pipelines.sources.binding import Binding, Bound, bind, refuse_no_zone
from pipelines.sources.files import Input
from pipelines.sources.forms import Forms
from pipelines.sources.parsing import clean
from pipelines.sources.partitions import write_partitions
from pipelines.sources.personal_data import define_pseudonym
from pipelines.sources.readable_part import Part
from pipelines.sources.readers import READERS
from pipelines.sources.type_casting import contract_columns, part_select, row_rule

# A damaged file can raise any other error of DuckDB's, also its bare base class.
_OUR_OWN_FAULT = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException)
_CHANCE = 0.01


def typed_input(
    connection: Connection,
    settings: Settings,
    table: Table,
    file: Input,
    opened: Callable[[], Part],
    store: TypedStore,
    shards: int,
) -> tuple[TypedFile, Bound]:
    """The rows of an input, each with the rule that it breaks on its own, and how it is bound.

    They are typed from what ``opened`` returns, into so many ``shards``, unless they lie in
    ``store``. Raises ``ContractError`` for anything that is not one row's own fault.
    """
    company, source = settings.company, settings.sources[table.name]
    # What people reported has the ids of the lists, and the contract's own forms.
    own = REPORTED if file.reported else source
    forms = Forms(
        settings.dialect_of(table.name),
        "UTC" if file.reported else settings.zone_of(table.name),
        company.timezone,
        source.money_unit,
        currency=company.currency,
        zone_given=source.timezone is not None,
        pseudonyms=company.pseudonyms and not file.reported,
    )
    key = ""
    if forms.pseudonyms:
        secret = key_of(PSEUDONYM, settings.paths.var)
        define_pseudonym(connection, secret)
        key = key_fingerprint(secret)
    dealt = table.per_customer and table.name != "customers" and shards > 1
    shard = shard_of("customer_id", shards) if dealt else "0"

    def bound(part: TypedFile | Part) -> Bound:
        found = bind(table, own, part.columns, part.name)
        refuse_no_zone(table, own, forms.dialect, part.columns, found.bindings)
        return found

    def write(folder: Path) -> tuple[Part, int]:
        part, reader, delay = opened(), READERS[own.kind], own.known_delay_days or 0
        bindings = bound(part).bindings
        reader.verify(part, [name for b in bindings for name in b.origin.read])
        try:
            date_forms.define_midnights(connection, company.timezone)
            shown = days_as_shown(connection, part, bindings, table.name, own, forms)
            typed = part_select(part, bindings, own, forms, shown)
            columns = contract_columns(table, bindings, company.timezone, delay)
            query = f"""
                with typed as ({typed}),
                ruled as (select *, {row_rule(table, bindings)} as _own from typed),
                complete as (
                    select _row, _own, _none, _decimals, _doubt, {", ".join(columns)} from ruled)
                select * rename (_event_at as event_at, _known_at as known_at),
                    {shard} as _shard
                from complete"""
            rows = write_partitions(connection, query, folder)
        except (duckdb.OutOfMemoryException, *_OUR_OWN_FAULT):
            raise
        except duckdb.Error as error:
            raise reader.broken(part, forms.dialect, error) from error
        if not file.reported:
            reader.prove(part, forms.dialect, rows)
        return part, rows

    # What is left out decides nothing, or changes the view of the rows.
    apart = {"path", "database", "duplicates", "max_quarantine_share"}
    decides = own.model_dump(mode="json", exclude=apart)
    place = (file.partition, file.types, file.path.suffix, file.reported)
    deciding = (repr(table), own.kind, decides, asdict(forms), place, shard, key)
    rows = store.typed(file, deciding, write)
    return rows, bound(rows)


def days_as_shown(
    connection: Connection,
    part: Part,
    bindings: Sequence[Binding],
    table: str,
    source: Source,
    forms: Forms,
) -> frozenset[str]:
    """The day columns of a file whose instants all are midnights of the day that they show.

    Raises ``ContractError`` for a column that mixes them with instants of another day, and for
    naive times of a source without a zone.
    """
    found = set()
    for binding in bindings:
        read = binding.origin.read
        if binding.column.type != "date" or len(read) != 1:
            continue
        stored = part.columns[read[0]]
        zone_known = source.timezone is not None or FORMATS[source.kind].zone is not None
        if not date_forms.is_moment(stored, forms):
            continue
        zone, home = date_forms.zone_of_days(stored, forms), forms.company_zone
        if zone_known and zone == home:
            continue
        # Values; midnights as shown; those of another local day, the first of them; local ones.
        value = clean(part.expressions[read[0]], stored, forms)
        shown = date_forms.clock_time(value, stored, forms)
        midnight = f"shown = cast(shown as DATE) and {local_to_utc('own', home)} <> moment"
        [(total, midnights, differ, local, where)] = connection.execute(
            f"""with times as (
                select {part.row} as _row, {shown} as shown from {part.relation}),
            moments as (
                select *, {local_to_utc("shown", zone)} as moment from times
                where {date_forms.in_range("shown")}),
            days as (
                select *, cast({date_forms.local_day("moment", home)} as TIMESTAMP) as own
                from moments)
            select count(*), count_if(shown = cast(shown as DATE)),
                count_if({midnight} and own <> shown),
                count_if({local_to_utc("own", home)} = moment),
                min(_row) filter ({midnight} and own <> shown)
            from days"""
        ).fetchall()
        if midnights == total:
            found.add(binding.column.name)
        elif not zone_known and stored != date_forms.AWARE:
            raise ContractError(
                f"{table}: {read[0]!r} (for {binding.column.name}) has times and no time zone in "
                f"the database. Declare the zone they are written in: sources.{table}.timezone, "
                "for example Europe/Oslo or UTC."
            )
        elif differ > _CHANCE * total:
            raise ContractError(
                f"{part.name}: {read[0]!r} (for {binding.column.name}) mixes days written as "
                f"midnight in {zone} ({differ:,} of {total:,}, first in row "
                f"{where}) with other times ({local:,} are midnights in {home}): the "
                "former would count a day early. Write the column as a plain date in the export"
            )
    return frozenset(found)


def shard_of(customer: str, shards: int) -> str:
    """SQL for the shard of a customer's id, which another release of DuckDB may deal otherwise.

    By upper bits: those of one shard would else be alike where DuckDB looks for a free place.
    """
    return f"cast((hash({customer}) >> 32) % {shards} as INTEGER)"
