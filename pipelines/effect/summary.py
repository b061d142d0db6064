"""Summary table of the treatment effects: one row a group, for the terminal and for Prefect."""

from features.markdown import markdown_table
from models.causal.treatment_effect import Effect
from pipelines.effect.result import EffectResult, verdict_sentence

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
    return [_row(effect) for effect in result.effects]


def markdown(result: EffectResult) -> str:
    """The comparison of the arms as a Markdown page."""
    sentence = verdict_sentence(result.effects[0])
    return "\n".join(
        ["# Does contacting help?", "", sentence, "", *markdown_table(HEADER, rows(result))]
    )


def _row(effect: Effect) -> list[str]:
    group = effect.group if effect.kind == "all" else f"{effect.kind} {effect.group}"
    return [
        group,
        f"{effect.treated:,}, {effect.treated_left:,}",
        f"{effect.held_out:,}, {effect.held_out_left:,}",
        f"{_share(effect.treated_reached, effect.treated)} against "
        f"{_share(effect.held_out_reached, effect.held_out)}",
        f"{effect.difference:+.2%}" if min(effect.treated, effect.held_out) else "no comparison",
        f"{effect.power:.0%}",
        "unknown" if effect.needed is None else f"{effect.needed:,}",
        _WORDS[effect.verdict],
    ]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"
