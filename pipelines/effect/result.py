"""Result of a measurement of the effect, as data and as an error of harm.

Apart from the job, so that what shows it does not import what makes it.
"""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from features.errors import GateError
from models.causal.policy_value import UpliftEvaluation
from models.causal.treatment_effect import TARGET_POWER, Effect, harmful
from pipelines.config.measurement import EFFECT_VERSION
from pipelines.effect.assignments import Arms
from pipelines.effect.verdict import verdict_sentence


@dataclass(frozen=True, slots=True)
class EffectResult:
    """Effects measured by what was known before ``day``, and the file with them.

    ``smallest`` is the share of leavers that the economics assume to be kept of those reached;
    ``responds`` is None until the comparison of everybody would have shown that.
    """

    day: date
    arms: Arms
    effects: tuple[Effect, ...]
    responds: UpliftEvaluation | None
    smallest: float
    path: Path

    @property
    def harmful(self) -> tuple[Effect, ...]:
        """Groups in which more of the treated leave."""
        return harmful(self.effects)


class HarmError(GateError):
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
    uplift = result.responds
    return {
        "schema_version": EFFECT_VERSION,
        "date": result.day.isoformat(),
        "source": result.arms.source,
        "customers": len(result.arms.assigned),
        "waiting": result.arms.waiting,
        "smallest": result.smallest,
        "wanted_power": TARGET_POWER,
        "verdict": verdict_sentence(result.effects[0]),
        "effects": [asdict(effect) for effect in result.effects],
        "responds": uplift and asdict(uplift) | {"used": uplift.used, "accepted": uplift.accepted},
        "harmful": [f"{each.kind}={each.group}" for each in result.harmful],
    }
