"""Doubts about a whole table, which is refused: the rows that look right may be wrong as well.

Ids that lost digits, thousands signs read as decimal signs, days read as months, repeated keys.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from features.contract import Table
from features.errors import ContractError
from pipelines.config.sources import Dialect, Source
from pipelines.runtime.duckdb_connection import Connection, identifier, literal
from pipelines.sources.binding import Binding
from pipelines.sources.date_forms import local_day
from pipelines.sources.forms import TEXT
from pipelines.sources.number_forms import THREE_DECIMALS
from pipelines.sources.parsing import DIGITS_LOST
from pipelines.sources.partitions import change_rule
from pipelines.sources.type_casting import SKIPPED

_FEWEST_DAYS = 3
_MAX_LISTED = 3
_SWAPPED = {"%d": "%m", "%m": "%d"}


@dataclass(frozen=True, slots=True)
class Doubts:
    """A loaded table, the names of its files, and of each of the company's own the columns' types.

    ``rules`` are those that its rows break; ``decimals`` says whether a number of them shows that
    the decimal sign parts no thousands.
    ``zone`` is the company's, ``limit`` the naive UTC instant after which nothing has happened yet.
    """

    connection: Connection
    table: Table
    source: Source
    bindings: Sequence[Binding]
    names: Sequence[str]
    columns: Sequence[Mapping[str, str]]
    dialect: Dialect
    zone: str
    limit: datetime | None
    rules: Collection[str]
    decimals: bool

    def settle(self) -> list[ContractError]:
        """Why the table is refused as a whole; where a doubt is cleared, its rows are accepted."""
        return [
            *(*self._lost_digits(), *self._thousands(), *self._days_for_months()),
            *self._duplicates(),
        ]

    def _lost_digits(self) -> Iterator[ContractError]:
        for binding in self.bindings:
            where = self._where(f"{binding.column.name}: {DIGITS_LOST}")
            if where:
                yield ContractError(
                    f"{self._place(binding)} is written as a floating-point number (4.1E+11), so "
                    f"that keys have lost digits and several would become one: {where}. Export it "
                    "as text; in a spreadsheet, format the column as text before the keys are put "
                    "in"
                )

    def _thousands(self) -> Iterator[ContractError]:
        dialect = self.dialect
        if self.decimals:
            change_rule(self.connection, self.table.name, "nullif(_rule, _doubt)")
            return
        declare = f"declare sources.{self.table.name}.dialect: {{"
        sign, other = dialect.decimal, "," if dialect.decimal == "." else "."
        for binding in self.bindings:
            where = self._where(f"{binding.column.name}: {THREE_DECIMALS}")
            if where and not self._all_text(binding):
                yield ContractError(
                    f"{self._place(binding)} has no fraction but of three decimals, as when a "
                    f"program has read 1.005 for 1005: {where}. If so, mend where the text was "
                    f"read; if these are decimals, {declare}thousands: '{other}'}}"
                )
            elif where:
                yield ContractError(
                    f"{self._place(binding)} has no fraction but of three digits after {sign!r}: "
                    f"{where}. If {sign!r} parts thousands, {declare}decimal: '{other}', "
                    f"thousands: '{sign}'}}; if these are decimals, declare thousands: '{other}'"
                )

    def _days_for_months(self) -> Iterator[ContractError]:
        """Dates that keep to days 1 to 12 of a few months, and read otherwise keep to a day.

        The firsts of months, month and day exchanged, are the first twelve days of January.
        """
        for binding in self.bindings:
            kind = binding.column.type
            if kind not in ("date", "instant") or binding.as_days or not binding.origin.read:
                continue
            form = self.dialect.date if kind == "date" else self.dialect.instant
            if not _may_be_exchanged(form) or not self._all_text(binding):
                continue
            value = identifier(binding.column.name)
            value = local_day(value, self.zone) if kind == "instant" else value
            # With day and month exchanged nothing of a customer's can lie ahead.
            feasible = "true"
            if self.limit is not None and self.table.per_customer:
                feasible = f"coalesce(max(other) < DATE {literal(self.limit.date())}, true)"
            [(days, months, latest, may_be)] = self.connection.execute(
                f"""with found as (
                    select distinct {value} as d from {identifier(self.table.name)}
                    where {value} is not null and _rule is distinct from {literal(SKIPPED)}),
                exchanged as (
                    select d, make_date(year(d), least(day(d), 12), month(d)) as other from found)
                select count(distinct day(d)), count(distinct month(d)), max(day(d)), {feasible}
                from exchanged"""
            ).fetchall()
            if days < _FEWEST_DAYS or latest > 12 or days < _FEWEST_DAYS * months or not may_be:
                continue
            other = f"{_SWAPPED[form[:2]]}{form[2]}{_SWAPPED[form[3:5]]}{form[5:]}"
            yield ContractError(
                f"{self._place(binding)} has dates on the first twelve days of {months} month"
                f"{'s' * (months > 1)} of the year only, as when day and month are exchanged: "
                f"declared {kind} {form!r}. If the day comes "
                f"{'second' if form.startswith('%d') else 'first'} in the file, declare "
                f"sources.{self.table.name}.dialect: {{{kind}: '{other}'}}; if it is right, "
                "export it as YYYY-MM-DD, which cannot be mistaken"
            )

    def _duplicates(self) -> Iterator[ContractError]:
        """Give repeated rows their rule, or leave them out; one of each stays.

        It is the first in the files, or with ``duplicates: last`` the one known last; versions all
        stay. The table is refused for repeated rows where the source says so, for versions that
        nothing puts in order or that belong to two customers.
        """
        table, declared = self.table, self.source.duplicates
        if declared == "versions":
            disorder = "count(*) > count(distinct known_at) or count(distinct customer_id) > 1"
            broken = self._first_keys(table.key, disorder)
            if broken:
                yield ContractError(
                    f"{table.name}: versions of one key ({', '.join(table.key)}) known at the same "
                    f"instant, or of two customers: {broken}. Mend the export: each version has "
                    "the key and the customer of the others, and a later known_at"
                )
            return
        numbered = {b.column.name for b in self.bindings if b.origin.row_number}
        by_number = not numbered.isdisjoint(table.key)
        # What tells two rows apart: the key, or every other column when it is a row number.
        keys = table.key
        if self.source.levels:
            keys = ("customer_id", "contract_id", "effective_on")
        elif by_number:
            keys = tuple(c.name for c in table.columns if c.name not in numbered)
        if by_number and declared == "refuse":
            return
        if not (repeated := self._first_keys(keys, "count(*) > 1")):
            return
        rule = SKIPPED if declared in ("first", "last") else "key: repeated"
        order = "known_at desc, _file desc, _row desc" if declared == "last" else "_file, _row"
        self.connection.execute(
            "create or replace temp table surplus as select _file, _row, true as _surplus "
            f"from ({self._repeated(keys)}) qualify row_number() over ("
            f"partition by {', '.join(map(identifier, keys))} order by {order}) > 1"
        )
        changed = f"case when _surplus then {literal(rule)} else _rule end"
        change_rule(self.connection, table.name, changed, "left join surplus using (_file, _row)")
        if declared == "refuse":
            where = f"sources.{table.name}.duplicates"
            log = (
                f"; where the file has a row per change: {where}: versions, or last for the newest"
            )
            yield ContractError(
                f"{table.name}: repeated key ({', '.join(keys)}): {repeated}. Mend the export, or "
                f"keep the first of each with {where}: drop{log if table.may_have_versions else ''}"
            )

    def _repeated(self, keys: Sequence[str]) -> str:
        """SQL of the accepted rows whose key has the hash of another: none in a right table.

        Only hashes are grouped, which takes little memory for any number of keys.
        """
        key = f"hash({', '.join(map(identifier, keys))})"
        rows = f"from {identifier(self.table.name)} where _rule is null"
        self.connection.execute(
            "create or replace temp table repeated as "
            f"select {key} as h {rows} group by 1 having count(*) > 1"
        )
        return f"select * {rows} and {key} in (select h from repeated)"

    def _first_keys(self, keys: Sequence[str], having: str) -> str:
        """The rows of the first keys of which the SQL condition holds; empty for none."""
        key = ", ".join(map(identifier, keys))
        found = self.connection.execute(
            f"select list(_row order by _file, _row)[:5], min(_file) from ({self._repeated(keys)}) "
            f"group by {key} having {having} order by {key} limit 3"
        ).fetchall()
        return "; ".join(
            f"rows {', '.join(map(str, numbers))} of {self.names[file]}" for numbers, file in found
        )

    def _all_text(self, binding: Binding) -> bool:
        return all(types[n] == TEXT for types in self.columns for n in binding.origin.read)

    def _where(self, rule: str) -> str:
        """How many rows broke a rule, and the first of them; nothing when none did."""
        if rule not in self.rules:
            return ""
        rows = self.connection.execute(
            f"select _file, _row, count(*) over () from {identifier(self.table.name)} "
            f"where _rule = ? order by _file, _row limit {_MAX_LISTED}",
            [rule],
        ).fetchall()
        file, _, count = rows[0]
        named = ", ".join(str(row) for other, row, _ in rows if other == file)
        return f"{count:,} rows, first in {self.names[file]} rows {named}"

    def _place(self, binding: Binding) -> str:
        read = " with ".join(map(repr, binding.origin.read))
        return f"{self.table.name}: {read} (for {binding.column.name})"


def _may_be_exchanged(form: str) -> bool:
    """Whether people write this form in both orders: numbers, year last, not day.month.

    >>> _may_be_exchanged("%m/%d/%Y"), _may_be_exchanged("%d.%m.%Y"), _may_be_exchanged("%Y-%m-%d")
    (True, False, False)
    """
    start = form[:5]
    return len(start) == 5 and {start[:2], start[3:]} == {"%d", "%m"} and start != "%d.%m"
