"""The results as a page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.lists import texts
from benchmarks.lists.causes import Ranked
from benchmarks.lists.company import CUSTOMERS, KNOWN_BEFORE, LAST, MONTHS, MORE_SEEDS, SEED
from benchmarks.lists.deals import DEALS, Dealt
from benchmarks.lists.nights import BY_RISK, CALL_LIST, LONG_MINUTES, MINUTES
from benchmarks.lists.pilot import Pilot
from benchmarks.lists.sleepers import Sleepers
from benchmarks.lists.turnover import FORGETS, Turnover
from benchmarks.lists.worth import Worth
from models.bootstrap import Interval

_NOTHING = 0.05
_FELL = 0.2


@dataclass(frozen=True, slots=True)
class Results:
    """All that the page tells; ``dealt`` by minutes a night."""

    lists: Sequence[Worth]
    dealt: Mapping[float, Sequence[Dealt]]
    sleepers: Sequence[Sleepers]
    turns: Sequence[Turnover]
    by_rule: Sequence[Turnover]
    pilots: Sequence[Pilot]
    ranked: Ranked
    stays: float


def page(found: Results) -> str:
    """Markdown of all results."""
    intro = texts.INTRO.format(
        customers=CUSTOMERS,
        months=MONTHS,
        seed=SEED,
        known=KNOWN_BEFORE,
        last=LAST,
        minutes=MINUTES,
    )
    return (
        "\n".join(
            [
                intro,
                *_lists(found.lists),
                texts.DEALT.format(deals=DEALS, long=LONG_MINUTES),
                *_deals(found.dealt),
                texts.ASLEEP,
                *_sleepers(found.sleepers),
                "",
                texts.TURNOVER.format(stays=f"{found.stays:g}", companies=1 + len(MORE_SEEDS)),
                *_turnover(found.turns),
                "",
                *(_steady(turn) for turn in found.turns if turn.stays == found.stays),
                "",
                texts.BY_RULE,
                *_turnover(found.by_rule),
                "",
                *_pilots(found.pilots),
                texts.CAUSES.format(last=LAST),
                *_ranked(found.ranked),
                texts.WHY,
            ]
        ).rstrip()
        + "\n"
    )


def _lists(lists: Sequence[Worth]) -> list[str]:
    best = next(each.value for each in lists if each.name == "the truth's best")
    rows = (
        f"| {w.name} | {w.called:,} | {w.value:,.0f} | {w.value / best:.0%} | {w.kept:.1f} | "
        f"{w.woken} | {w.harm:.3f} |"
        for w in lists
    )
    return [
        "## What a list brings",
        "",
        "| list | called | value | of the best | leavers kept | woken | harm |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]


def _deals(dealt: Mapping[float, Sequence[Dealt]]) -> list[str]:
    rows = (
        f"| {minutes:,.0f} | {d.mean.name} | {d.mean.called:,} | {d.mean.value:,.0f} ± "
        f"{d.spread:,.0f} | {d.mean.kept:.1f} | {d.mean.woken} | {d.mean.harm:.3f} |"
        for minutes, each in dealt.items()
        for d in each
    )
    return [
        "| minutes | list | called | value | leavers kept | woken | harm |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        *(_avoided(minutes, each) for minutes, each in dealt.items()),
        "",
    ]


def _avoided(minutes: float, dealt: Sequence[Dealt]) -> str:
    harm = {d.mean.name: d.mean.harm for d in dealt}
    ours, theirs = harm[CALL_LIST], harm[BY_RISK]
    reached = "reached" if ours <= 0.2 * theirs else "not reached"
    if theirs < _NOTHING:
        reached = "which says nothing: both wake next to nobody, as who is at high risk has just "
        reached += "been in touch"
    return (
        f"- With {minutes:,.0f} minutes the list by risk does harm of {theirs:.3f} expected "
        f"leavers, the call list of {ours:.3f}: it avoids {1 - ours / theirs:.0%} (wanted: 80 %; "
        f"{reached})."
    )


def _sleepers(sleepers: Sequence[Sleepers]) -> list[str]:
    return [
        f"| {s.minutes:,.0f} | {'never' if s.days is None else f'{s.days} days'} | "
        f"{s.worth.called:,} | {s.worth.value:,.0f} | {s.worth.harm:.3f} | {s.avoided:.0%} | "
        f"{s.left_in_peace:,} | {s.persuadable:,} |"
        for s in sleepers
    ]


def _turnover(turns: Sequence[Turnover]) -> list[str]:
    return [
        f"| {t.name} | {'no memory' if t.stays == FORGETS else f'{t.stays:g}'} | {t.length:.0f} | "
        f"{t.new:.1%} | {t.left:.1%} | {t.fell:.1%} | {t.lift:.2f} | {_shown(t.lift_change, 1)} | "
        f"{t.value:,.0f} | {_money(t.value_change)} |"
        for t in turns
    ]


def _steady(turn: Turnover) -> str:
    kept = turn.lift_change.high >= 0
    return (
        f"- {turn.name[0].upper()}{turn.name[1:]}: {turn.fell:.1%} fall off (wanted: 20 %; "
        f"{'reached' if turn.fell <= _FELL else 'not reached'}), the lift changes by "
        f"{turn.lift_change.value:+.2f} ({'no loss' if kept else 'a loss'} beyond chance)."
    )


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


def _ranked(ranked: Ranked) -> list[str]:
    rows = (
        f"| {level} | {least:.0%} | {count} | {rho:.2f} |"
        for level, least, rho, count in ranked.agreements
    )
    drivers = (f"| {name} | {truth:.1%} | {ours:.1%} |" for name, ours, truth in ranked.strongest)
    return [*rows, texts.DRIVERS, *drivers]


def _money(interval: Interval) -> str:
    return f"{interval.value:,.0f} ({interval.low:,.0f} to {interval.high:,.0f})"


def _shown(interval: Interval, times: float) -> str:
    value, low, high = (times * part for part in (interval.value, interval.low, interval.high))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
