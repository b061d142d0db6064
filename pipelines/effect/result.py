"""Result of a measurement of the effect, as data, as an error of harm and in one sentence.

Apart from the job, so that what shows it does not import what makes it.
"""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from features.errors import CompleteError
from features.markdown import markdown_table
from models.causal.policy_value import UpliftEvaluation
from models.causal.treatment_effect import TARGET_POWER, Effect
from pipelines.config.measurement import EFFECT_VERSION
from pipelines.effect.assignments import Arms

_SENTENCES = {
    "fewer_leave": "Contact keeps customers: {measured}. Go on.",
    "more_leave": "Contact drives customers away: {measured}. Stop contacting, and find out why.",
    "no_difference": "Contact makes no difference that matters: {measured}, all of it less than "
    "the {assumed} that are assumed. Contact in another way, or others.",
    "not_measurable_yet": "It cannot be told yet whether contact keeps customers or drives them "
    "away: {compared} have been compared, {needed} are needed. Go on, and look again.",
}


@dataclass(frozen=True, slots=True)
class EffectResult:
    """Effects measured by what was known before ``day``, and the file with them.

    ``effects`` are of the first of the arms' lots, ``by_lot`` of everybody in each. ``smallest`` is
    the share of leavers that the economics assume to be kept of those reached; ``responds`` is None
    until the comparison of everybody would have shown that.
    """

    day: date
    arms: Arms
    effects: tuple[Effect, ...]
    by_lot: tuple[Effect, ...]
    responds: UpliftEvaluation | None
    smallest: float
    path: Path

    @property
    def harmful(self) -> tuple[Effect, ...]:
        """The groups in which more of the treated leave: stop contacting them, and look."""
        return tuple(effect for effect in self.effects if effect.verdict == "more_leave")


class HarmError(CompleteError):
    """More of the treated leave than of the held out; ``result`` is complete."""

    def __init__(self, result: EffectResult) -> None:
        groups = ", ".join(f"{each.kind} {each.group}" for each in result.harmful)
        super().__init__(
            f"contacting raises leaving ({groups}): the interval of the difference lies above 0, "
            f"however often it is looked at. Stop contacting them, and look at {result.path}."
        )
        self.result = result


def as_data(result: EffectResult) -> dict[str, object]:
    """What ``docs/effect.md`` describes."""
    uplift, arms = result.responds, result.arms
    return {
        "schema_version": EFFECT_VERSION,
        "date": result.day.isoformat(),
        "source": arms.lots[0].source,
        "customers": len(arms.lots[0].assigned),
        "waiting": arms.lots[0].waiting,
        "smallest": result.smallest,
        "offers": dict(zip(("asked", "taken"), arms.offers_taken, strict=True)),
        "calls": dict(zip(("reported", "reached"), arms.calls_reached, strict=True)),
        "lots": [
            {"source": lot.source, "channel_reach": lot.channel_reach, **asdict(effect)}
            for lot, effect in zip(arms.lots, result.by_lot, strict=True)
        ],
        "wanted_power": TARGET_POWER,
        "verdict": verdict_sentence(result.effects[0]),
        "effects": [asdict(effect) for effect in result.effects],
        "responds": uplift and asdict(uplift) | {"used": uplift.used, "accepted": uplift.accepted},
        "harmful": [f"{each.kind}={each.group}" for each in result.harmful],
    }


def verdict_sentence(effect: Effect) -> str:
    """The verdict in figures per 100 customers whom the lot drew for contact.

    Without a verdict that is said first: it is no finding that contact does nothing.
    """
    found = effect.difference
    value, low, high, assumed = (
        f"{abs(100 * each):.1f} {'fewer' if each < 0 else 'more'}"
        for each in (found.value, found.low, found.high, -(effect.smallest_itt or 0.0))
    )
    return _SENTENCES[effect.verdict].format(
        measured=f"of 100 drawn for contact, {value} leave than of 100 held out ({low} to {high})",
        assumed=assumed,
        compared=f"{effect.treated + effect.held_out:,}",
        needed="many more" if effect.needed is None else f"about {effect.needed:,}",
    )


HEADER = (
    *("group", "treated, left", "held out, left", "reached"),
    *("difference (interval)", "power", "needed", "verdict"),
)
_WORDS = {
    "not_measurable_yet": "cannot be told yet",
    "fewer_leave": "helps: fewer leave",
    "no_difference": "makes no difference that matters",
    "more_leave": "HARMS: more leave",
}


def rows(result: EffectResult) -> list[list[str]]:
    """A row of ``HEADER``'s columns for each group."""
    return [
        [
            effect.group if effect.kind == "all" else f"{effect.kind} {effect.group}",
            f"{effect.treated:,}, {effect.treated_left:,}",
            f"{effect.held_out:,}, {effect.held_out_left:,}",
            f"{_share(effect.treated_reached, effect.treated)} against "
            f"{_share(effect.held_out_reached, effect.held_out)}",
            f"{effect.difference:+.2%}" if effect.treated and effect.held_out else "no comparison",
            f"{effect.power:.0%}",
            "unknown" if effect.needed is None else f"{effect.needed:,}",
            _WORDS[effect.verdict],
        ]
        for effect in result.effects
    ]


def markdown(result: EffectResult) -> str:
    """The comparison of the arms as a Markdown page."""
    head = ("# Does contacting help?", "", verdict_sentence(result.effects[0]), "")
    return "\n".join((*head, *markdown_table(HEADER, rows(result))))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"
