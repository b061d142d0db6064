"""The results as a page."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from benchmarks import markdown
from benchmarks.lists import company
from benchmarks.lists.causes import Ranked
from benchmarks.lists.deals import DEALS, Dealt
from benchmarks.lists.nights import BEST, BY_RISK, CALL_LIST, LONG_MINUTES, MINUTES
from benchmarks.lists.pilot import Pilot
from benchmarks.lists.sleepers import Sleepers
from benchmarks.lists.turnover import FORGETS, Turnover
from benchmarks.lists.worth import Worth


class Results(TypedDict):
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
    dealt, harms = [], []
    for minutes, deals in results["dealt"].items():
        dealt += [(minutes, deal) for deal in deals]
        harm = {deal.mean.name: deal.mean.harm for deal in deals}
        harms.append({"minutes": minutes, "called": harm[CALL_LIST], "risky": harm[BY_RISK]})
    return markdown.page(
        "lists.md",
        **results | {"dealt": dealt},
        best=next(each.value for each in results["lists"] if each.name == BEST),
        harms=harms,
        company=company,
        deals=DEALS,
        short=MINUTES,
        long=LONG_MINUTES,
        forgets=FORGETS,
    )
