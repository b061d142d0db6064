"""Quarantine: rows that break the contract, written for a person to see, and counted."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from features.contract import Column
from features.errors import ContractError
from pipelines.config.settings import Settings
from pipelines.config.sources import Dialect
from pipelines.runtime.duckdb_connection import identifier, literal
from pipelines.runtime.escaping import ESCAPE
from pipelines.snapshots.loading import Loaded
from pipelines.sources.binding import Binding
from pipelines.sources.type_casting import OUT_OF_TIME, SKIPPED, raw_select

_BAD = "bad_rows"
_ESCAPED = r"'\1"
_MAX_LISTED = 3
_WIDEST = 40


def set_aside(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    loaded: Loaded,
    folder: Path,
    reported: Path,
) -> None:
    """Write the rows that break a rule to ``folder/<table>.csv``: file, row, rule, raw columns.

    Raises ``ContractError`` when their share of the table's rows is above the limit; its
    message names ``reported``, where the file can be found after the refusal.
    """
    bad = sum(loaded.rules.values())
    if bad == 0:
        return
    _write(connection, loaded, folder / f"{loaded.name}.csv")
    limit = settings.quarantine_share_of(loaded.name)
    if bad > limit * loaded.source_rows:
        raise ContractError(
            _refusal(connection, settings.dialect_of(loaded.name), loaded, reported, bad, limit)
        )


def _write(connection: duckdb.DuckDBPyConnection, loaded: Loaded, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = _source_names(loaded)
    raw = " union all by name ".join(
        raw_select(part, index, [name for name in names if name in part.columns])
        for index, part in enumerate(loaded.parts)
    )
    files = ", ".join(literal(Path(part.name).name) for part in loaded.parts)
    connection.execute(
        f"""create or replace temp table {_BAD} as
        select [{files}][_file + 1] as file, bad._row as "row", bad._rule as rule,
            raw.* exclude (_file, _row)
        from (select _file, _row, _rule from {identifier(loaded.name)}
              where _rule is not null and _rule <> {literal(SKIPPED)}) bad
        join ({raw}) raw using (_file, _row)
        order by _file, "row\""""
    )
    cells = f"cast(columns(*) as varchar), {literal(ESCAPE)}, {literal(_ESCAPED)}"
    connection.execute(
        f"copy (select regexp_replace({cells}) from {_BAD}) to {literal(path)} (format csv, header)"
    )


def _source_names(loaded: Loaded) -> list[str]:
    named = [name for b in loaded.bound.bindings for name in b.origin.read]
    return list(dict.fromkeys(named))


def _refusal(
    connection: duckdb.DuckDBPyConnection,
    dialect: Dialect,
    loaded: Loaded,
    reported: Path,
    bad: int,
    limit: float,
) -> str:
    worst = sorted(loaded.rules.items(), key=lambda item: (-item[1], item[0]))
    lines = "".join(
        f"\n  {rule}: {count:,} rows{_detail(connection, loaded, dialect, rule)}"
        for rule, count in worst
    )
    return (
        f"{loaded.name}: {bad:,} of {loaded.source_rows:,} rows ({bad / loaded.source_rows:.1%}) "
        f"break the contract; at most {limit:.1%} may be set aside:{lines}\n"
        f"all of them: {reported / f'{loaded.name}.csv'}\n"
        f"mend the export or sources.{loaded.name} in the config, then run: stille check"
    )


def _detail(
    connection: duckdb.DuckDBPyConnection, loaded: Loaded, dialect: Dialect, rule: str
) -> str:
    column = rule.partition(":")[0]
    binding = next((b for b in loaded.bound.bindings if b.column.name == column), None)
    read = binding.origin.read if binding else ()
    rows = connection.execute(
        f'select file, "row" from {_BAD} where rule = ? limit {_MAX_LISTED}', [rule]
    ).fetchall()
    where = f", first in {rows[0][0]} rows {', '.join(str(row[1]) for row in rows)}"
    if binding is None or not read:
        return where
    where += f", in {' with '.join(map(repr, read))}"
    if rule.endswith("unreadable"):
        where += _shape(connection, binding, rule)
    return where + _declared(binding.column, dialect, rule)


def _shape(connection: duckdb.DuckDBPyConnection, binding: Binding, rule: str) -> str:
    """How the first cell is written, not what it says: a cell may hold a name or a number."""
    between = f" || {literal(binding.origin.join)} || "
    raw = between.join(map(identifier, binding.origin.read))
    [(shape,)] = connection.execute(
        f"select regexp_replace(regexp_replace(left({raw}, {_WIDEST}), '\\p{{L}}', 'a', 'g'), "
        f"'\\p{{N}}', '9', 'g') from {_BAD} where rule = ? limit 1",
        [rule],
    ).fetchall()
    return f", written like {shape!r}"


def _declared(column: Column, dialect: Dialect, rule: str) -> str:
    if rule.endswith("not allowed"):
        return f"; allowed: {', '.join(column.allowed)}"
    if rule.endswith("below minimum"):
        return f"; the minimum is {column.minimum:g}"
    if rule.endswith("above maximum"):
        return f"; the maximum is {column.maximum:g}"
    if rule.endswith(OUT_OF_TIME):
        return "; a date that stands for none belongs in the source's dialect.nulls"
    if not rule.endswith("unreadable"):
        return ""
    number = f"decimal {dialect.decimal!r} and thousands {dialect.thousands!r}"
    form: dict[str, str] = {
        "date": f"date {dialect.date!r}",
        "instant": f"instant {dialect.instant!r}",
        "boolean": f"{_words(dialect.true_values)} or {_words(dialect.false_values)}",
    }
    return f"; declared: {form.get(column.type, number)}"


def _words(words: Sequence[str]) -> str:
    return "/".join(words)
