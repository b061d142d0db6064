"""Does contacting help? Past assignments to the arms against what happened since."""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from features.errors import GateError
from models.effect import SMALLEST, WANTED_POWER, Effect, harmful, measure_effects
from models.uplift import Judged
from pipelines.assignments import Arms, arms_until
from pipelines.digests import config_digest
from pipelines.plainjson import plain_json
from pipelines.record import RunRecord
from pipelines.responding import who_responds
from pipelines.settings import Settings
from pipelines.snapshots.tables import read_tables
from pipelines.step import Step, plain
from pipelines.storage import replace_bytes, storage_errors

SCHEMA_VERSION = "1"
FOLDER = "effect"


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found by a day, and the file that says it.

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
    """More of the treated leave than of the held out; ``found`` is the complete result."""

    def __init__(self, found: Measured) -> None:
        groups = ", ".join(f"{each.kind} {each.group}" for each in found.harmful)
        super().__init__(
            f"contacting raises leaving ({groups}): the interval of the difference lies above 0. "
            f"Stop contacting them, and look at {found.path}."
        )
        self.found = found


def measure(settings: Settings, today: date, record: RunRecord, step: Step = plain) -> Measured:
    """Measure by what was known before ``today``; writes ``var/effect/<today>.json``.

    Raises ``ContractError`` for broken tables or none of terminations, ``PublicationError`` when
    the disk refuses, and ``HarmError`` once all is written when contacting does harm.
    """
    record.as_of_date, record.config_digest = str(today), config_digest(settings)
    snapshot = step(read_tables, settings, today, record)
    with record.stage("effect") as stage:
        arms = arms_until(settings, snapshot, today)
        smallest = settings.economics.saved_share if settings.economics else SMALLEST
        effects = measure_effects(arms.assigned, smallest)
        stage.rows_in = stage.rows_out = len(arms.assigned)
    responds = None
    if effects[0].verdict != "not_measurable_yet":
        responds = who_responds(settings, snapshot, arms.assigned, record)
    path = settings.paths.effect / f"{today}.json"
    found = Measured(today, arms, effects, responds, smallest, path)
    with storage_errors(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(path, plain_json(as_data(found)) + b"\n")
    if found.harmful:
        raise HarmError(found)
    return found


def as_data(found: Measured) -> dict[str, object]:
    """What ``docs/effect.md`` describes."""
    return {
        "schema_version": SCHEMA_VERSION,
        "date": found.day.isoformat(),
        "source": found.arms.source,
        "customers": len(found.arms.assigned),
        "waiting": found.arms.waiting,
        "smallest": found.smallest,
        "wanted_power": WANTED_POWER,
        "effects": [asdict(effect) for effect in found.effects],
        "responds": found.responds and asdict(found.responds) | {"used": found.responds.accepted},
        "harmful": [f"{each.kind}={each.group}" for each in found.harmful],
    }
