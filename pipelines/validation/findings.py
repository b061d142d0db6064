"""Data quality findings of accepted tables, the worst first."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.unit_levels import unit_factor
from pipelines.validation.tables import DataFinding

SET_ASIDE = "set aside"
PER_TABLE = 15


def findings(tables: Mapping[str, TableFacts]) -> list[DataFinding]:
    """Every finding, the largest share of its table's rows first."""
    found = (finding for name, facts in tables.items() for finding in _findings_of(name, facts))
    return sorted(found, key=lambda f: (-f.share, f.table, f.kind, f.what))


def split_by_table(findings: Iterable[DataFinding]) -> tuple[list[DataFinding], list[DataFinding]]:
    """The ``PER_TABLE`` worst of each table, and the rest; both in the given order."""
    seen: Counter[str] = Counter()
    first: list[DataFinding] = []
    rest: list[DataFinding] = []
    for finding in findings:
        seen[finding.table] += 1
        (first if seen[finding.table] <= PER_TABLE else rest).append(finding)
    return first, rest


def _findings_of(name: str, facts: TableFacts) -> Iterator[DataFinding]:
    for rule, count in facts.quarantined.items():
        form = f", {facts.lost_forms[rule]}" if rule in facts.lost_forms else ""
        yield DataFinding(name, SET_ASIDE, f"{rule}{form}", count, facts.source_rows)
    for what, count in facts.profile.orphans.items():
        yield DataFinding(name, "orphan keys", what, count, facts.rows)
    for what, found in facts.profile.orders.items():
        if found.rows:
            where = f"{what}, first in {found.first}"
            yield DataFinding(name, "dates out of order", where, found.rows, found.of)
    if facts.profile.alike:
        what = "alike in everything but the key"
        yield DataFinding(name, "duplicates", what, facts.profile.alike, facts.rows)
    for column, profile in facts.profile.columns.items():
        if profile.constant is not None:
            what = (
                f"{column}: {profile.constant} in every row, so it tells nobody apart; where a "
                "file has a row per change, see duplicates: versions"
            )
            yield DataFinding(name, "constant column", what, None, facts.rows)
        factor = unit_factor(profile.jump)
        if factor is not None:
            what = f"{column}: the newest month's median is about {factor:g} times what it was"
            yield DataFinding(name, "unit jump", what, None, facts.rows)
