"""The results as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from benchmarks import markdown
from benchmarks.lists import company
from benchmarks.lists.causes import Ranked
from benchmarks.lists.deals import DEALS, Dealt
from benchmarks.lists.nights import BEST, BY_RISK, CALL_LIST, LONG_MINUTES, MINUTES
from benchmarks.lists.pilot import Pilot
from benchmarks.lists.sleepers import Sleepers
from benchmarks.lists.turnover import FORGETS, Turnover
from benchmarks.lists.worth import Worth


@dataclass(frozen=True, slots=True)
class Results:
    """All that the page shows; ``dealt`` by minutes a night."""

    lists: Sequence[Worth]
    dealt: Mapping[float, Sequence[Dealt]]
    sleepers: Sequence[Sleepers]
    turns: Sequence[Turnover]
    by_rule: Sequence[Turnover]
    pilots: Sequence[Pilot]
    ranked: Ranked
    stays: float


def page(results: Results) -> str:
    """Markdown of all results."""
    harms = []
    for minutes, deals in results.dealt.items():
        harm = {deal.mean.name: deal.mean.harm for deal in deals}
        harms.append({"minutes": minutes, "called": harm[CALL_LIST], "risky": harm[BY_RISK]})
    shown = {field.name: getattr(results, field.name) for field in fields(results)}
    return markdown.page(
        "lists.md",
        **shown | {"dealt": [(m, each) for m, deals in results.dealt.items() for each in deals]},
        best=next(each.value for each in results.lists if each.name == BEST),
        harms=harms,
        company=company,
        deals=DEALS,
        short=MINUTES,
        long=LONG_MINUTES,
        forgets=FORGETS,
    )
