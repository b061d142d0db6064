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
from benchmarks.markdown import interval, table
from models.metrics.bootstrap import Interval

_NOTHING = 0.05
_FELL = 0.2


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
    intro = texts.INTRO.format(
        customers=CUSTOMERS,
        months=MONTHS,
        seed=SEED,
        known=KNOWN_BEFORE,
        last=LAST,
        minutes=MINUTES,
    )
    memory = texts.TURNOVER.format(stays=f"{results.stays:g}", companies=1 + len(MORE_SEEDS))
    lines = [
        intro,
        *_lists(results.lists),
        texts.DEALT.format(deals=DEALS, long=LONG_MINUTES),
        *_deals(results.dealt),
        texts.ASLEEP,
        *_sleepers(results.sleepers),
        memory,
        *_turnover(results.turns),
        *(_steady(turn) for turn in results.turns if turn.stays == results.stays),
        "",
        texts.BY_RULE,
        *_turnover(results.by_rule),
        *_pilots(results.pilots),
        texts.CAUSES.format(last=LAST),
        *_agreements(results.ranked),
        texts.DRIVERS,
        *_drivers(results.ranked),
        texts.WHY,
    ]
    return "\n".join(lines).rstrip() + "\n"


def _lists(lists: Sequence[Worth]) -> list[str]:
    best = next(each.value for each in lists if each.name == "the truth's best")
    header = ["list", "called", "value", "of the best", "leavers kept", "woken", "harm"]
    rows = (
        (w.name, f"{w.called:,}", f"{w.value:,.0f}", f"{w.value / best:.0%}", *_harm(w))
        for w in lists
    )
    return ["## What a list brings", "", *table(header, rows), ""]


def _deals(dealt: Mapping[float, Sequence[Dealt]]) -> list[str]:
    header = ["minutes", "list", "called", "value", "leavers kept", "woken", "harm"]
    rows = (
        (
            f"{minutes:,.0f}",
            deal.mean.name,
            f"{deal.mean.called:,}",
            f"{deal.mean.value:,.0f} ± {deal.spread:,.0f}",
            *_harm(deal.mean),
        )
        for minutes, deals in dealt.items()
        for deal in deals
    )
    avoided = (_avoided(minutes, deals) for minutes, deals in dealt.items())
    return [*table(header, rows), "", *avoided, ""]


def _harm(worth: Worth) -> tuple[str, int, str]:
    return f"{worth.kept:.1f}", worth.woken, f"{worth.harm:.3f}"


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
    header = ["minutes", "asleep after", "called", "value", "harm", "avoided (wanted: 80 %)"]
    rows = (
        (
            f"{s.minutes:,.0f}",
            "never" if s.days is None else f"{s.days} days",
            f"{s.worth.called:,}",
            f"{s.worth.value:,.0f}",
            f"{s.worth.harm:.3f}",
            f"{s.avoided:.0%}",
            f"{s.left_in_peace:,}",
            f"{s.persuadable:,}",
        )
        for s in sleepers
    )
    return [*table([*header, "in peace", "persuadable"], rows), ""]


def _turnover(turns: Sequence[Turnover]) -> list[str]:
    header = ["list", "stays", "length", "new", "left", "fell off"]
    header += ["lift", "change of lift", "value", "change of value"]
    rows = (
        (
            t.name,
            "no memory" if t.stays == FORGETS else f"{t.stays:g}",
            f"{t.length:.0f}",
            *(f"{share:.1%}" for share in (t.new, t.left, t.fell)),
            f"{t.lift:.2f}",
            _interval(t.lift_change, 1),
            f"{t.value:,.0f}",
            _interval(t.value_change, 1, ",.0f"),
        )
        for t in turns
    )
    return [*table(header, rows), ""]


def _steady(turn: Turnover) -> str:
    kept = turn.lift_change.high >= 0
    return (
        f"- {turn.name[0].upper()}{turn.name[1:]}: {turn.fell:.1%} fall off (wanted: 20 %; "
        f"{'reached' if turn.fell <= _FELL else 'not reached'}), the lift changes by "
        f"{turn.lift_change.value:+.2f} ({'no loss' if kept else 'a loss'} beyond chance)."
    )


def _pilots(pilots: Iterable[Pilot]) -> list[str]:
    header = ["customers", "held out", "difference in leaving", "Qini by effect", "by risk"]
    rows = (
        (
            f"{p.customers:,}",
            f"{p.effect.held_out:,}",
            f"{_interval(p.effect.difference, 100)} %",
            _interval(p.judged.by_effect, 1000),
            _interval(p.judged.by_risk, 1000),
            f"{1000 * p.best:.2f}",
            _interval(p.judged.gain, 1000),
            "yes" if p.judged.accepted else "no",
        )
        for p in pilots
    )
    return [texts.PILOT, *table([*header, "of the true effects", "gain", "used"], rows), ""]


def _agreements(ranked: Ranked) -> list[str]:
    rows = (
        (level, f"{least:.0%}", count, f"{rho:.2f}")
        for level, least, rho, count in ranked.agreements
    )
    return table(["level", "worth at least", "causes", "Spearman's correlation"], rows)


def _drivers(ranked: Ranked) -> list[str]:
    rows = ((name, f"{truth:.1%}", f"{ours:.1%}") for name, ours, truth in ranked.strongest)
    return table(["driver", "truth", "model"], rows)


def _interval(found: Interval, times: float, spec: str = ".2f") -> str:
    return interval([times * value for value in (found.value, found.low, found.high)], spec)
