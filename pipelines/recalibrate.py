"""The champion's calibration refitted on the newest matured months; its boosters stay as they are.

Plain functions; ``step`` decides whether a scheduler watches them.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import date

import numpy as np

from models.artefact import REFERENCE, to_files
from models.examples import Examples
from models.recalibration import Check, Recalibrated
from models.recalibration import recalibrate as refit
from pipelines import tracking
from pipelines.champion import Champion, resolve_champion
from pipelines.codeversion import code_version
from pipelines.digests import config_digest, inputs_digest
from pipelines.engine import tables_of
from pipelines.record import RunRecord
from pipelines.settings import Settings
from pipelines.snapshots.snapshot import Snapshot
from pipelines.snapshots.tables import read_tables
from pipelines.step import Step, plain
from pipelines.training.newer import (
    BOOSTERS_KNOWN_BEFORE,
    MONTHLY_SWING,
    learned_before,
    learned_swing,
    newer_examples,
)

_BY_RULE = "recalibrated: not worse than its parent out of time"
_KEPT = (
    "feature_spec_hash",
    "feature_definition_hash",
    "families",
    "leak_warning",
    MONTHLY_SWING,
)


@dataclass(frozen=True, slots=True)
class Followed:
    """The new version, its parent's label, what was fitted, and the rules that refused it."""

    registered: tracking.Registered
    parent: str
    found: Recalibrated
    failed: tuple[str, ...]


def recalibrate(settings: Settings, today: date, record: RunRecord, step: Step = plain) -> Followed:
    """Register the champion with a new calibration; it takes the alias if its check allows.

    Raises ``ModelError`` without a usable champion or for other features than it learned,
    ``ContractError`` for broken tables, ``GateError`` when too few leavers are newer than what
    its boosters learned from.
    """
    record.as_of_date, record.config_digest = str(today), config_digest(settings)
    champion = step(resolve_champion, settings, record)
    snapshot = step(read_tables, settings, today, record)
    examples = step(newer_examples, settings, snapshot, champion, today, record)
    found = step(refitted, settings, champion, examples, record)
    registered = step(register, settings, snapshot, champion, found, today, record)
    failed = step(decide, settings, champion, registered, found.check, record)
    return Followed(registered, champion.registered.label, found, failed)


def refitted(
    settings: Settings, champion: Champion, examples: Examples, record: RunRecord
) -> Recalibrated:
    """The new calibration; its check becomes gates of the record."""
    with record.stage("calibrating") as stage:
        raw = champion.model.raw(examples.x, settings.engine.threads)
        found = refit(champion.model.calibration, raw, examples, learned_swing(champion))
        stage.rows_in, stage.rows_out = len(examples), found.rows
    check = found.check
    record.gate("recalibration.log_loss", check.log_loss, high=check.parent_log_loss)
    record.gate("recalibration.level_error", check.level_error, high=check.parent_level_error)
    return found


def register(
    settings: Settings,
    snapshot: Snapshot,
    champion: Champion,
    found: Recalibrated,
    today: date,
    record: RunRecord,
) -> tracking.Registered:
    """A version of its own: the parent's boosters, spec and reference, the new calibration."""
    parent = champion.registered
    model = replace(champion.model, calibration=found.calibration)
    stored = tracking.fetch(settings, parent)
    reference = {REFERENCE: stored[REFERENCE]} if REFERENCE in stored else {}
    tags = {name: parent.tags[name] for name in _KEPT if name in parent.tags} | {
        "inputs_digest": inputs_digest(snapshot),
        "config_digest": config_digest(settings),
        "known_before": str(today),
        BOOSTERS_KNOWN_BEFORE: str(learned_before(champion)),
        "calibrated_on": ", ".join(found.months),
        "parent_version": parent.version,
        "code_version": code_version(),
        "run": record.run_id,
        "tables": json.dumps(tables_of(snapshot)),
    }
    training = tracking.Training(
        name=f"recalibrate {today}",
        params={"parent": parent.label, "calibrated_on": tags["calibrated_on"]},
        metrics=_metrics(found),
        tags=tags,
        files={},
        model_files={**to_files(model), **reference},
        feature_names=model.spec.names,
        description=f"{parent.label} with its calibration refitted on {tags['calibrated_on']}.",
    )
    registered = tracking.log_training(settings, training)
    record.model_version, record.model_digest = registered.label, registered.digest
    return registered


def decide(
    settings: Settings,
    champion: Champion,
    registered: tracking.Registered,
    check: Check,
    record: RunRecord,
) -> tuple[str, ...]:
    """Give the alias to the new version if its check allows and its parent still is champion.

    Returns the names of the rules that refuse it.
    """
    now = tracking.champion(settings)
    moved = now is None or now.version != champion.registered.version
    failed = (*check.failed, *(["parent_is_champion"] if moved else []))
    facts = json.dumps({"promote": not failed, "failed": failed, "check": asdict(check)}, indent=1)
    tracking.write_verdict(settings, registered, failed, facts.encode())
    if not failed:
        tracking.promote(settings, registered, _BY_RULE)
    record.notes.append(
        f"{registered.label} is {'not ' if failed else ''}champion"
        + (f": refused by {', '.join(failed)}" if failed else f": {_BY_RULE}")
    )
    return failed


def _metrics(found: Recalibrated) -> dict[str, float]:
    check = {name: value for name, value in asdict(found.check).items() if name != "months"}
    fitted = {"rows": found.rows, "leavers": found.leavers}
    calibration = found.calibration
    lines = {"slope": calibration.slope, "intercept": calibration.intercept}
    metrics = {f"check_{name}": value for name, value in check.items()} | fitted | lines
    return {name: float(value) for name, value in metrics.items() if np.isfinite(value)}
