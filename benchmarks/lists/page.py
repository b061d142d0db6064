"""The results as a page."""

from collections.abc import Iterable, Sequence

from benchmarks.lists.company import CUSTOMERS, KNOWN_BEFORE, LAST, MONTHS, SEED
from benchmarks.lists.deals import DEALS, Dealt
from benchmarks.lists.nights import BY_RISK, CALL_LIST, MINUTES
from benchmarks.lists.pilot import Pilot
from benchmarks.lists.turnover import Turnover
from benchmarks.lists.worth import Worth
from models.bootstrap import Interval

_INTRO = """# Lists against other lists

Made by `python -m benchmarks.lists`. A simulated company ({customers:,} customers, {months} months,
seed {seed}) whose truth is known: what contacting each customer would change. A model that had
learned from what was known before {known} ranks the cohort on the first day of every month from
then to {last}; the truth is used to judge, never to rank. A simulation is an answer key, not
evidence about real people.

The call list has {minutes:,.0f} minutes of agents' time a night; every other list is as long as
it. *Value* is the truth's: leavers kept times their value, less offers and cost, in kroner and
summed over the nights. *Harm* is by how many expected leavers a list raises leaving among its
sleeping dogs.
"""


def page(
    lists: Sequence[Worth],
    dealt: Sequence[Dealt],
    turns: Sequence[Turnover],
    pilots: Iterable[Pilot],
    ranked: Sequence[tuple[str, float, int]],
) -> str:
    """Markdown of all results; ``dealt`` is each list over many deals.

    ``ranked`` has the level, Spearman's correlation with the truth and how many causes.
    """
    intro = _INTRO.format(
        customers=CUSTOMERS,
        months=MONTHS,
        seed=SEED,
        known=KNOWN_BEFORE,
        last=LAST,
        minutes=MINUTES,
    )
    best = next(each.value for each in lists if each.name == "the truth's best")
    rows = (
        f"| {w.name} | {w.called:,} | {w.value:,.0f} | {w.value / best:.0%} | {w.kept:.1f} | "
        f"{w.sleeping_dogs} | {w.harm:.2f} |"
        for w in lists
    )
    table = "| list | called | value | of the best | leavers kept | sleeping dogs | harm |"
    return "\n".join(
        [
            intro,
            "## What a list brings",
            "",
            table,
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            *_deals(dealt),
            *_turnover(turns),
            *_pilots(pilots),
            *_ranked(ranked),
        ]
    )


def _deals(dealt: Sequence[Dealt]) -> list[str]:
    rows = (
        f"| {d.mean.name} | {d.mean.value:,.0f} ± {d.spread:,.0f} | {d.mean.kept:.1f} | "
        f"{d.mean.sleeping_dogs} | {d.mean.harm:.2f} |"
        for d in dealt
    )
    harm = {d.mean.name: d.mean.harm for d in dealt}
    avoided = 1 - harm[CALL_LIST] / harm[BY_RISK]
    return [
        "## Had the types been dealt otherwise",
        "",
        "The table above is one deal, and luck in it is large. The same lists over "
        f"{DEALS} deals of types among",
        "those who pay alike, mean and standard deviation between deals:",
        "",
        "| list | value | leavers kept | sleeping dogs | harm |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"Of the harm that the list by risk does, the call list avoids {avoided:.0%} "
        f"(wanted: 80 %, {'reached' if avoided >= 0.8 else 'not reached'}). Below 0 % it does",
        "more. Who sleeps is dealt by lot and shows in the tables a little, by the way of paying",
        "alone: without a measured effect no list can tell.",
        "",
    ]


def _turnover(turns: Sequence[Turnover]) -> list[str]:
    rows = (
        f"| {t.name} | {t.new:.1%} | {t.gone:.1%} | {t.lift:.2f} | {t.called:.0f} |" for t in turns
    )
    return [
        "## New names from one month to the next",
        "",
        "| list | new each month (wanted: at most 20 %) | left the company | lift | length |",
        "|---|---|---|---|---|",
        *rows,
        "",
        "Lift is the true chance of leaving of those on the list over that of all. Who has left",
        "the company makes room for a new name whatever a list does.",
        "",
    ]


def _pilots(pilots: Iterable[Pilot]) -> list[str]:
    rows = (
        f"| {p.customers:,} | {p.effect.held_out:,} | {_shown(p.effect.difference, 100)} % | "
        f"{_shown(p.judged.by_effect, 1000)} | {_shown(p.judged.by_risk, 1000)} | "
        f"{1000 * p.best:.2f} | {_shown(p.judged.gain, 1000)} | "
        f"{'yes' if p.judged.accepted else 'no'} |"
        for p in pilots
    )
    return [
        "## Who responds",
        "",
        "A pilot: the lot decides for everybody of the first night. Qini is in leavers kept per",
        "1,000 customers, on customers unseen. The intervals are of 95 %.",
        "The ranking by effect is used only where it beats the ranking by risk beyond doubt.",
        "",
        "| customers | held out | difference in leaving | Qini by effect | by risk | "
        "of the true effects | gain | used |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]


def _ranked(ranked: Sequence[tuple[str, float, int]]) -> list[str]:
    rows = (f"| {level} | {count} | {rho:.2f} |" for level, rho, count in ranked)
    return [
        "## Fix the cause",
        "",
        f"The value of removing each cause on {LAST}, `causes.csv` against the truth.",
        "",
        "| level | causes | Spearman's correlation |",
        "|---|---|---|",
        *rows,
        "",
    ]


def _shown(interval: Interval, times: float) -> str:
    value, low, high = (times * part for part in (interval.value, interval.low, interval.high))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
