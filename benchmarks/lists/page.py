"""The results as a page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.lists.causes import Ranked
from benchmarks.lists.company import CUSTOMERS, KNOWN_BEFORE, LAST, MONTHS, SEED
from benchmarks.lists.deals import DEALS, Dealt
from benchmarks.lists.nights import BY_RISK, CALL_LIST, LONG_MINUTES, MINUTES
from benchmarks.lists.pilot import Pilot
from benchmarks.lists.sleepers import Sleepers
from benchmarks.lists.turnover import FORGETS, Turnover
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
summed over the nights. *Woken* are the sleeping dogs on a list that are asleep, *harm* is by how
many expected leavers contact raises leaving among them.
"""
_DEALT = """## Had the types been dealt otherwise

The table above is one deal, and luck in it is large. The same lists over {deals} deals by the
simulator's own law, mean and standard deviation between deals, and with {long:,.0f} minutes a
night too: a long list reaches further down, to those who have not been heard of lately.
"""
_ASLEEP = """## Who is asleep

In the simulator a sleeping dog is woken only while asleep: on autopay, and without any dealing with
the company, more the longer that is (from a month on, wholly after half a year). So sleepers are
silent **by construction**, and the same silence can be seen in the tables. That the product takes
the silent for sleepers is an assumption with a source (Ascarza, Iyengar and Schleicher 2016), not a
finding; only a company's own holdout shows who its sleepers are, and what it shows replaces the
assumption (`stille effect`). It has to call some sleepers for that, so for a while
`list.peace.asleep_days` must be null: a list that leaves them all in peace learns nothing of them.

Of those whom contact would make leave in all, the product lets those asleep be all
(`list.peace.asleep_days`, by default 30); the value of a contact then decides, so a sleeper of high
risk may still be called. *Avoided* is the part of the harm of a list by risk of the same length
that the call list does not do. *In peace* are those left so by this rule alone, and *persuadable*
are those of them who would have stayed because of a contact, means over the deals.

| minutes | asleep after | called | value | harm | avoided (wanted: 80 %) | in peace | persuadable |
|---|---|---|---|---|---|---|---|"""
_TURNOVER = """## New names from one month to the next

Of last month's list some are no customers any more (*left*): whatever a list does, they make room
for new names. Of the others some *fell off* it, which is what a list can do something about; wanted
is at most 20 %. *New* is the share of new names, of both kinds. Who was on the list stays until the
value a minute (of the riskiest: the risk) falls below *stays* of the cut; the product's is {stays}.
Lift is the true chance of leaving of those on the list over that of all, value what contacting the
list brings a month, the mean over the deals. Changes are against the list without a memory, with an
interval of 95 % over customers. The call list is filled by value and not by lift. Nobody is called
here: who had been called would be barred for a while (`contact.cooldown_days`).

| list | stays | length | new | left | fell off | lift | change of lift | value | change of value |
|---|---|---|---|---|---|---|---|---|---|"""
_CAUSES = """## Fix the cause

The value of removing each cause on {last}, `causes.csv` against the truth, of the drivers of which
something can be removed (not of tenure or product). *Worth at least*: by the truth, as a share of
the value of all who would leave.

| level | worth at least | causes | Spearman's correlation |
|---|---|---|---|"""
_DRIVERS = """
The drivers worth most by the truth:

| driver | truth | model |
|---|---|---|"""
_WHY = """
Families are ranked well but for price, drivers only where they are strong. Drivers that come
together share what the model learned: waits and repeated contacts go with unsolved cases, so a wait
is given a part of what the case did. A driver that is the same for most customers at all times (a
closed tariff, no benefit, a gap to the market) can hardly be learned from who left, which is why
price as a family is worth more than the model says. Read the families and the first few drivers.
"""


_NOTHING = 0.05


@dataclass(frozen=True, slots=True)
class Results:
    """All that the page tells; ``dealt`` by minutes a night."""

    lists: Sequence[Worth]
    dealt: Mapping[float, Sequence[Dealt]]
    sleepers: Sequence[Sleepers]
    turns: Sequence[Turnover]
    pilots: Sequence[Pilot]
    ranked: Ranked
    stays: float


def page(found: Results) -> str:
    """Markdown of all results."""
    intro = _INTRO.format(
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
                _DEALT.format(deals=DEALS, long=LONG_MINUTES),
                *_deals(found.dealt),
                _ASLEEP,
                *_sleepers(found.sleepers),
                "",
                _TURNOVER.format(stays=f"{found.stays:g}"),
                *_turnover(found.turns),
                "",
                *_pilots(found.pilots),
                _CAUSES.format(last=LAST),
                *_ranked(found.ranked),
                _WHY,
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
    return [*rows, _DRIVERS, *drivers]


def _money(interval: Interval) -> str:
    return f"{interval.value:,.0f} ({interval.low:,.0f} to {interval.high:,.0f})"


def _shown(interval: Interval, times: float) -> str:
    value, low, high = (times * part for part in (interval.value, interval.low, interval.high))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
