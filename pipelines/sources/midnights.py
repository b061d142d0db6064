"""Day columns that hold instants: the company's day of the instant, or the day that it shows.

Local midnight may be written in UTC (``2024-05-31T22:00:00Z`` for 1 June in Oslo), or the day with
a midnight that means no zone. East of Greenwich the company's day is right for both; west of it the
data say which it is.
"""

from collections.abc import Sequence

from features.errors import ContractError
from pipelines.config.sources import FORMATS, Source
from pipelines.runtime.duckdb_connection import Connection, local_to_utc
from pipelines.sources import date_forms
from pipelines.sources.binding import Binding
from pipelines.sources.forms import Forms
from pipelines.sources.parsing import clean
from pipelines.sources.readable_part import Part

_CHANCE = 0.01


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
