"""Quarantine: rows that break the contract, written for a person to see, and counted."""

from pathlib import Path

from features.contract import POSSIBLE_DAYS, Column
from features.errors import ContractError
from pipelines.config.settings import Settings
from pipelines.config.sources import Dialect
from pipelines.runtime.duckdb_connection import Connection, identifier, literal
from pipelines.runtime.escaping import ESCAPE
from pipelines.snapshots.loading import Loaded
from pipelines.sources.binding import Binding
from pipelines.sources.date_forms import OUT_OF_RANGE
from pipelines.sources.number_forms import THREE_DECIMALS
from pipelines.sources.type_casting import SKIPPED, raw_select

_BAD = "bad_rows"
_ESCAPED = r"'\1"
_MAX_LISTED = 3
_WIDEST = 40
_FEWEST_LOST, _ALIKE = 10, 0.9
# The rules that are about how a value is written.
_OF_FORM = ("unreadable", OUT_OF_RANGE, THREE_DECIMALS)


def set_aside(
    connection: Connection, settings: Settings, loaded: Loaded, folder: Path, reported: Path
) -> dict[str, str]:
    """Write the rows that break a rule to ``folder/<table>.csv``: file, row, rule, raw columns.

    Returns by rule how its values are written, where many are unreadable and nearly all alike: a
    kind of value is lost then. Raises ``ContractError`` when their share of the table's rows is
    above the limit; ``reported`` is where the file can be found after the refusal.
    """
    bad = sum(loaded.rules.values())
    if bad == 0:
        return {}
    _write(connection, loaded, folder / f"{loaded.name}.csv")
    limit = settings.quarantine_share_of(loaded.name)
    dialect = settings.dialect_of(loaded.name)
    if bad > limit * loaded.source_rows:
        worst = sorted(loaded.rules.items(), key=lambda item: (-item[1], item[0]))
        lines = "".join(
            f"\n  {rule}: {count:,} rows{_detail(connection, loaded, dialect, rule)}"
            for rule, count in worst
        )
        share = bad / loaded.source_rows
        raise ContractError(
            f"{loaded.name}: {bad:,} of {loaded.source_rows:,} rows ({share:.1%}) break the "
            f"contract; at most {limit:.1%} may be set aside:{lines}\n"
            f"all of them: {reported / f'{loaded.name}.csv'}\n"
            f"mend the export or sources.{loaded.name} in the config, then run: stille check"
        )
    return _lost_forms(connection, dialect, loaded)


def _lost_forms(connection: Connection, dialect: Dialect, loaded: Loaded) -> dict[str, str]:
    found = {}
    for rule, count in loaded.rules.items():
        binding = _binding(loaded, rule)
        if count < _FEWEST_LOST or binding is None or not binding.origin.read:
            continue
        if not rule.endswith(_OF_FORM):
            continue
        shape = _shape_of(binding, "+")
        [(form, alike)] = connection.execute(
            f"select {shape}, count(*) from {_BAD} where rule = ? "
            "group by 1 order by 2 desc, 1 limit 1",
            [rule],
        ).fetchall()
        if alike >= _ALIKE * count:
            found[rule] = f"written like {form!r}{_declared(binding.column, dialect, rule)}"
    return found


def _write(connection: Connection, loaded: Loaded, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(n for b in loaded.bound.bindings for n in b.origin.read))
    bad = (
        f"(select _file, _row, _rule from {identifier(loaded.name)} "
        f"where _rule is not null and _rule <> {literal(SKIPPED)})"
    )
    # Only files with such rows are opened again.
    indices = connection.execute(f"select distinct _file from {bad} order by 1").fetchall()
    raw = " union all ".join(raw_select(loaded.open(index), index, names) for (index,) in indices)
    files = ", ".join(literal(Path(file.name).name) for file in loaded.files)
    connection.execute(
        f"""create or replace temp table {_BAD} as
        select [{files}][_file + 1] as file, bad._row as "row", bad._rule as rule,
            raw.* exclude (_file, _row)
        from {bad} bad join ({raw}) raw using (_file, _row)
        order by _file, "row\""""
    )
    cells = f"cast(columns(*) as varchar), {literal(ESCAPE)}, {literal(_ESCAPED)}"
    connection.execute(
        f"copy (select regexp_replace({cells}) from {_BAD}) to {literal(path)} (format csv, header)"
    )


def _detail(connection: Connection, loaded: Loaded, dialect: Dialect, rule: str) -> str:
    binding = _binding(loaded, rule)
    read = binding.origin.read if binding else ()
    rows = connection.execute(
        f'select file, "row" from {_BAD} where rule = ? limit {_MAX_LISTED}', [rule]
    ).fetchall()
    where = f", first in {rows[0][0]} rows {', '.join(str(row[1]) for row in rows)}"
    if binding is None or not read:
        return where
    where += f", in {' with '.join(map(repr, read))}"
    if rule.endswith(_OF_FORM):
        shape = f"select {_shape_of(binding)} from {_BAD} where rule = ? limit 1"
        where += f", written like {connection.execute(shape, [rule]).fetchall()[0][0]!r}"
    return where + _declared(binding.column, dialect, rule)


def _binding(loaded: Loaded, rule: str) -> Binding | None:
    column = rule.partition(":")[0]
    return next((b for b in loaded.bound.bindings if b.column.name == column), None)


def _shape_of(binding: Binding, many: str = "") -> str:
    """SQL for how a cell is written, not what it says: a cell may hold a name or a number.

    With ``many`` "+" a run of letters or digits is one of them.
    """
    between = f" || {literal(binding.origin.join)} || "
    raw = between.join(map(identifier, binding.origin.read))
    return (
        f"regexp_replace(regexp_replace(left({raw}, {_WIDEST}), '\\p{{L}}{many}', 'a', 'g'), "
        f"'\\p{{N}}{many}', '9', 'g')"
    )


def _declared(column: Column, dialect: Dialect, rule: str) -> str:
    first, last = POSSIBLE_DAYS
    form = f"decimal {dialect.decimal!r} and thousands {dialect.thousands!r}"
    if column.type in ("date", "instant"):
        form = f"{column.type} {getattr(dialect, column.type)!r}"
    elif column.type == "boolean":
        form = f"{'/'.join(dialect.true_values)} or {'/'.join(dialect.false_values)}"
    elif column.unit == "s":
        form += "; seconds, hh:mm:ss or ISO 8601, else columns.duration"
    hints = {
        "not allowed": f"allowed: {', '.join(column.allowed)}",
        "below minimum": f"the minimum is {column.minimum}",
        "above maximum": f"the maximum is {column.maximum}",
        OUT_OF_RANGE: f"dates lie in {first.year} to {last.year}, and %y declares a year of two "
        "digits; days that stand for none are dialect.null_dates",
        THREE_DECIMALS: "if they are decimals and part no thousands, declare dialect.thousands",
        "unreadable": f"declared: {form}",
    }
    return next((f"; {hint}" for end, hint in hints.items() if rule.endswith(end)), "")
