"""Whether contacting helps, in words: for the command line and for Prefect's page."""

from features.markdown import markdown_table
from models.effect import WANTED_POWER, Effect
from models.uplift import Judged
from pipelines.effect import Measured
from pipelines.say import table

_HEADER = (
    "group",
    "treated, left",
    "held out, left",
    "reached",
    "difference (interval)",
    "power",
    "needed",
    "verdict",
)
_WORDS = {
    "not_measurable_yet": "not measurable yet",
    "fewer_leave": "helps: fewer leave",
    "no_difference_seen": "no difference seen",
    "more_leave": "HARMS: more leave",
}


def measured(found: Measured, *, as_json: bool) -> None:
    """Print the comparison of the arms as a table, or the JSON that was written."""
    if as_json:
        print(found.path.read_text(encoding="utf-8"), end="")
        return
    count = len(found.arms.assigned)
    title = (
        f"{count:,} customers by the {found.arms.source}' arms; "
        f"{found.arms.waiting:,} wait for their horizon"
    )
    table(_HEADER, map(_row, found.effects), title)
    if found.responds is not None:
        print(_responds(found.responds))
    print(
        f"By intention to treat. Power and needed size are for {found.smallest:.0%} fewer leavers, "
        f"seen {WANTED_POWER:.0%} of the time. All figures: {found.path}"
    )


def markdown(found: Measured) -> str:
    """The comparison of the arms as a Markdown table."""
    lines = markdown_table(_HEADER, map(_row, found.effects))
    return "\n".join(["# Does contacting help?", "", *lines])


def _responds(judged: Judged) -> str:
    used = "is used" if judged.accepted else "is not used, risk ranks"
    return (
        f"Ranking by effect {used}: Qini {judged.by_effect.value:.4f}, by risk "
        f"{judged.by_risk.value:.4f}, difference {judged.gain:+.4f} leavers kept per "
        "customer, on customers unseen."
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
