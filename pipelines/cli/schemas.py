"""JSON Schemas of the data contract and the configuration, and the contract as a page."""

from collections.abc import Iterator
from typing import Any

from features.contract import FORBIDDEN_COLUMNS, TABLES, Column, ColumnType, Table
from features.errors import ConfigError
from features.markdown import markdown_table
from pipelines.config.errors import nearest
from pipelines.config.settings import Settings

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

_INTRO = """# Data contract

Made from `features/contract.py`; change it there, then run
`python -m pipelines.cli.schemas > docs/data-contract.md`.

A company maps its own tables to these, column by column, under `sources` in its configuration.
`customers` is needed. Every other table may be missing; what it would tell is then left out.
Columns marked *required* must be given when their table is. Keys are always text.
Tables are CSV, Excel, Parquet, SQLite or DuckDB files, or tables of a database;
`stille init FOLDER` drafts the mapping ([your-tables.md](your-tables.md)).

Every row has two instants, both in UTC:

- **event_at**, when it happened: the earliest of the columns named under *Happens at*. A date
  counts from its local midnight in the company's time zone. A customer without `joined_on` has
  always been there.
- **known_at**, when it could be known: the column mapped to `known_at` where there is one, else
  event_at and the source's `known_delay_days`, which must then be declared; never before event_at.

A row counts at an as-of date when both lie before that day's midnight. A column with a *Known from*
is null until that moment has come and could be known: `known_delay_days` holds for such moments as
it does for rows, in days of the calendar, whether they have 23, 24 or 25 hours. Where `known_at` is
mapped, give `known_delay_days` too when a later value, such as the closing of a case, comes days
after it happened.

A column *known from* a moment, *else at once*, may be written when its row is: give the moment
where it comes later (a debit that is returned, a contact that is linked to its case, a reading that
is settled). Every other value counts from the row's known_at. What the company fills in or
overwrites afterwards would tell a past day what came later: known_at is then the moment of the last
change, or the column is left out.

A column that is not given is not known: the features that cannot be true without it are not built,
and `stille features` names them. Where a company knows that there is nothing to give, it says so
with a constant: `reopened_at: {value: null}` when no case is ever reopened, `direction: {value:
inbound}` when only the customers' own calls are in the table. Tables that are not given take their
features with them too.

A local time that the end of summer time repeats is read as the earlier of the two instants; one
that its beginning skips, as the instant an hour later.

A customer has attributes only as far as they never change (`static: true`). What is overwritten
in a register shows at every past day what holds now; its history belongs in `master_data`.
`stille check` and `stille train` hold them against the tables that were read before, and refuse
those that changed.

## Versions

A table marked *May have versions* may keep what was overwritten: several rows of one key, each as
it was written at its own `known_at`, which must be mapped and differ. Declare it with
`duplicates: versions`. Each version counts, with all its values, from its known_at until the
known_at of the next; at a past day the row is what was known then. Versions have the same
customer. As known_at is never before event_at, a version whose event is moved to a later day
counts from that day, and the version before it until then. A log with one row per change, such as
a ticket's, is such a table: its key is the ticket's, its known_at the moment of the change. Where
only what became of a row matters, `duplicates: last` keeps of each key the row known last, which
counts from its own known_at; `duplicates: first` keeps how each began.

Other tables say who is a customer, or what is allowed, and each row is given once.

## Bills and payments

A row of `invoices` with `corrects_invoice_id` corrects another: below zero it is a credit note,
which takes from the invoice it names; above zero a reissue, which replaces it. An invoice credited
in full, or replaced, is no bill any more, each from when the correction was known. An invoice is
paid when its payments, less what was paid back, come to within one minor unit of what is owed. A
payment that names no invoice, or has no amount, may have paid all of it: only what is known not to
be paid is overdue. Where payments begin more than 60 days after the invoices do, they were lost or
purged, and invoices issued before the first payments are never overdue.

What is usual for a bill is the median of the twelve before it of the same `contract_id`. Where
invoices have none, and a customer gets more than three in two months, each is compared with the
nearest in day, then in amount, of each of the twelve months before; where bills of several products
come in other rhythms, give `contract_id`.

## Types

| type | what it is | how text files write it |
|---|---|---|
| text | kept as it is; leading zeros stay | any |
| integer | whole number | digits, with the declared thousands sign |
| number | decimal number | the declared decimal and thousands signs |
| money | whole minor units (øre, cents) | minor units; `money_unit: major` is rounded to minor |
| price | major units, six decimals | the declared decimal and thousands signs |
| boolean | true or false | the declared `true_values` and `false_values` |
| date | local calendar day | the declared `date` format |
| instant | moment, stored in UTC | the declared `instant` format, in the source's time zone |

- **Numbers.** A minus is any sign that files have for it, stands before or after the number, or is
  brackets around it. Spaces between thousands may be no-break ones. Money and prices may carry the
  company's own currency (`kr`, `NOK`), never another. An exponent is read in a `number` only.
  `1.005` without a declared thousands sign refuses the table, unless another fraction shows that
  the point is a decimal sign; money of three decimals is then set aside. So do money and prices
  in floats that have no other fractions, as another program may have read the text.
- **Ids.** `12345.0`, an integer that a float has been, is `12345`. An id such as `4.1E+11`, or a
  float of more digits than it holds exactly, refuses the table: several would become one.
- **Seconds.** Besides seconds `hh:mm:ss`, ISO 8601 (`PT3M25S`), times of day, and durations of
  Parquet and databases are read. For anything else the column declares `duration`: `mm:ss`,
  `hh:mm`, `milliseconds`, `minutes`, `hours`, or `days` (as a spreadsheet keeps times).
- **Dates** lie in the years 1900 to 2199; others are out of range, such as the year 24 that `%Y`
  makes of two digits (`%y` declares those). Days that mean no day, as 9999-12-31, 0001-01-01 or
  1900-01-01, are null in every kind of source and counted by `check`; `dialect: {null_dates: […]}`
  names others instead.
- **A date given as an instant** is the local day of the company's zone, from every kind of source:
  `2024-05-31T22:00:00Z` is 1 June in Oslo. When all instants of a column are midnights in their
  own zone (`2024-06-01T00:00:00Z`) they are the days that they show. A column that mixes such
  midnights with other times is refused where that gives other days (west of Greenwich).
- **Day and month.** A column that keeps to the first twelve days of a few months, in a format that
  people write both ways (`%d/%m/%Y`, `%m/%d/%Y`), is refused: day and month are exchanged.
- Lines above a text file's header are passed over with `header_row: …`, the header's line.

## Rows that break the contract

A row with an unreadable value, a missing required value, a value that is not allowed or outside its
range (an attribute's is declared: `range: [0, 120]`), a date before 1900 or after 2199, a customer
that `customers` does not have, an event more than a day after both the as-of date and today, or a
negative invoice that corrects no other, is set aside in `quarantine/<table>.csv` with its row
number and the rule. When more of a table's rows than `quality.max_quarantine_share` are set aside,
the run stops and nothing is written. A repeated key stops the run, unless the source says
`duplicates: drop`: then the first row stays, or `duplicates: versions`: then all do. Rows that the
source leaves out by `rows_with` (a column is not given) or `rows_without` (a column has a value
named there), and with `duplicates: first` or `last` the other rows of a key, are no fault: they are
neither set aside nor counted.

At a date in the past, rows after it stay in the snapshot, where later dates need them. They count
for nothing on that date, and `stille check` says how many there are.

## Rows that are doubtful

Dates out of order are counted, with the first row numbers, and kept, because each can be honest now
and then; above `quality.max_disorder_share` of the rows that have both dates a gate closes. Held
against each other are the dates of one row (a case closed before it was opened, a voluntary end
before its notice), a contract's end and start, a payment or reminder and its invoice, what only a
customer has and `joined_on`, and claims, incidents and meter readings and the end of the customer's
last contract. A number or flag that is the same in every row is named too.
"""


_HEADER = ("column", "type", "unit", "required", "allowed", "known from", "meaning")


def contract_page() -> str:
    """The data contract as Markdown."""
    lines = [_INTRO, "## Columns that never enter\n"]
    lines += markdown_table(["column", "why"], FORBIDDEN_COLUMNS.items())
    for table in TABLES.values():
        lines += ["", *_table_section(table)]
    return "\n".join(lines) + "\n"


def _table_section(table: Table) -> Iterator[str]:
    yield f"## {table.name}\n"
    yield f"{table.doc}{' Needed.' if table.required else ''}\n"
    happens = " or ".join(f"`{name}`" for name in table.event_at)
    earliest = ", whichever is earlier" if len(table.event_at) > 1 else ""
    yield f"Key: {', '.join(f'`{name}`' for name in table.key)}. Happens at: {happens}{earliest}.\n"
    if table.may_have_versions:
        yield "May have versions.\n"
    yield from markdown_table(_HEADER, map(_column_row, table.columns))


def _column_row(column: Column) -> tuple[str, ...]:
    allowed = ", ".join(column.allowed)
    if column.vocabulary:
        allowed = f"any; known: {', '.join(column.vocabulary)}"
    if column.minimum is not None:
        top = "" if column.maximum is None else f", at most {column.maximum:.10g}"
        allowed = f"at least {column.minimum:g}{top}"
    required = "yes" if column.required else ""
    known = f"`{column.revealed_by}`" if column.revealed_by else ""
    if column.at_once:
        known += ", else at once"
    return column.name, column.type, column.unit, required, allowed, known, column.doc


_JSON_TYPES: dict[ColumnType, dict[str, str]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "money": {"type": "integer"},
    "price": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "instant": {"type": "string", "format": "date-time"},
}


def table_schema(name: str) -> dict[str, Any]:
    """JSON Schema of one row of a table; raises ``ConfigError`` for an unknown table."""
    if name not in TABLES:
        known = ", ".join(TABLES)
        raise ConfigError(f"unknown table {name!r}; known: {known}{nearest(name, TABLES)}")
    table = TABLES[name]
    return {
        "$schema": _DRAFT,
        "title": table.name,
        "description": table.doc,
        "type": "object",
        "properties": {column.name: _column_schema(column) for column in table.columns},
        "required": [column.name for column in table.columns if column.required],
        "additionalProperties": False,
    }


def _column_schema(column: Column) -> dict[str, Any]:
    schema: dict[str, Any] = {**_JSON_TYPES[column.type], "description": column.doc}
    if column.allowed:
        schema["enum"] = list(column.allowed)
    if column.vocabulary:
        schema["examples"] = list(column.vocabulary)
    if column.minimum is not None:
        schema["minimum"] = column.minimum
    if column.maximum is not None:
        schema["maximum"] = column.maximum
    if column.required:
        return schema
    if column.allowed:
        schema["enum"].append(None)
    return {**schema, "type": [schema["type"], "null"]}


def config_schema() -> dict[str, Any]:
    """JSON Schema of a configuration file, for editors that check while one writes."""
    schema = Settings.model_json_schema()
    schema["$schema"] = _DRAFT
    given = [table.name for table in TABLES.values() if not table.derived]
    schema["properties"]["sources"]["propertyNames"] = {"enum": given}
    return schema


def main() -> None:
    """Print the page."""
    print(contract_page(), end="")


if __name__ == "__main__":
    main()
