"""Treatment effect job: outcomes of past assignments, by intention to treat.

Only the holdout shows whether contacting helps, as risk decides who is contacted.
"""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from features.errors import GateError
from models.effect import SMALLEST, WANTED_POWER, Effect, harmful, measure_effects
from models.uplift import Judged
from pipelines.assignments import Arms, arms_until
from pipelines.plainjson import plain_json
from pipelines.responding import who_responds
from pipelines.run import Run
from pipelines.snapshots.tables import read_tables
from pipelines.storage import write_file

SCHEMA_VERSION = "1"
FOLDER = "effect"


@dataclass(frozen=True, slots=True)
class EffectResult:
    """Effects measured by what was known before ``day``, and the file with them.

    ``responds`` is None until a comparison of everybody is measurable.
    """

    day: date
    arms: Arms
    effects: tuple[Effect, ...]
    responds: Judged | None
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
            f"contacting raises leaving ({groups}): the interval of the difference lies above 0. "
            f"Stop contacting them, and look at {result.path}."
        )
        self.result = result


def measure(run: Run) -> EffectResult:
    """Measure by what was known before the as-of date; writes ``var/effect/<as-of date>.json``.

    Raises ``ContractError`` for broken tables or none of terminations, ``PublicationError`` when
    the disk refuses, and ``HarmError`` once all is written when contacting does harm.
    """
    settings, today = run.settings, run.as_of
    run.record_inputs()
    snapshot = run.step(read_tables, run)
    with run.record.stage("effect") as stage:
        arms = arms_until(settings, snapshot, today)
        smallest = settings.economics.saved_share if settings.economics else SMALLEST
        effects = measure_effects(arms.assigned, smallest)
        stage.rows_in = stage.rows_out = len(arms.assigned)
    responds = None
    if effects[0].verdict != "not_measurable_yet":
        responds = who_responds(run, snapshot, arms.assigned)
    path = settings.paths.effect / f"{today}.json"
    result = EffectResult(today, arms, effects, responds, smallest, path)
    write_file(path, plain_json(as_data(result)) + b"\n")
    if result.harmful:
        raise HarmError(result)
    return result


def as_data(result: EffectResult) -> dict[str, object]:
    """What ``docs/effect.md`` describes."""
    uplift = result.responds
    return {
        "schema_version": SCHEMA_VERSION,
        "date": result.day.isoformat(),
        "source": result.arms.source,
        "customers": len(result.arms.assigned),
        "waiting": result.arms.waiting,
        "smallest": result.smallest,
        "wanted_power": WANTED_POWER,
        "effects": [asdict(effect) for effect in result.effects],
        "responds": uplift and asdict(uplift) | {"used": uplift.accepted},
        "harmful": [f"{each.kind}={each.group}" for each in result.harmful],
    }
