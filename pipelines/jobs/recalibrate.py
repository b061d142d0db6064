"""Recalibration job: the champion's calibration refitted on the newest months.

Its boosters stay as they are, as levels move faster than risks.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np

from models.calibration.open_windows import OpenWindowRows
from models.calibration.recalibration import Recalibration
from models.calibration.recalibration import recalibrate as refit
from models.churn.serialization import REFERENCE, to_files
from models.dataset.examples import Examples
from pipelines.config.run import Run
from pipelines.jobs.read_tables import provenance, read_tables
from pipelines.runtime.escaping import plain_json
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking import files, registry, runs
from pipelines.tracking.champion import Champion, resolve_champion
from pipelines.training import newer_examples

NOTHING = "nothing to follow: the level moved by less than it swings"
NOTHING_NEWER = "nothing newer: the model has learned from every month whose outcome is known"
_BY_RULE = "recalibrated: not worse than its parent out of time"
_INHERITED_TAGS = (
    "feature_spec_hash",
    "feature_definition_hash",
    "families",
    "leak_warning",
    newer_examples.MONTHLY_SWING,
)


@dataclass(frozen=True, slots=True)
class RecalibrationResult:
    """The new version, its parent's label, what was fitted, and the rules that refused it.

    ``registered`` is None where nothing was to be followed, ``recalibration`` where nothing is
    newer than what the model has learned from.
    """

    registered: registry.Registered | None
    parent: str
    recalibration: Recalibration | None
    failed: tuple[str, ...]


def recalibrate(run: Run) -> RecalibrationResult:
    """Register the champion with a new calibration; it takes the alias if its check allows.

    Where the calibration comes out as it was, or a run is repeated, nothing is registered.

    Raises ``ModelError`` without a usable champion or for other features than it learned,
    ``ContractError`` for broken tables, ``GateError`` when too few leavers are newer than what
    its boosters learned from.
    """
    champion = run.step(resolve_champion, run)
    snapshot = run.step(read_tables, run)
    newer = run.step(newer_examples.newer_examples, run, snapshot, champion)
    if newer is None:
        run.record.notes.append(NOTHING_NEWER)
        return RecalibrationResult(None, champion.registered.label, None, ())
    recalibration = run.step(refit_calibration, run, champion, *newer)
    same = recalibration.calibration.equals(champion.model.calibration)
    if same or _repeats(run, snapshot, champion, recalibration.calibrated_on):
        run.record.notes.append(NOTHING)
        return RecalibrationResult(None, champion.registered.label, recalibration, ())
    registered = run.step(register, run, snapshot, champion, recalibration)
    failed = run.step(decide, run, champion, registered, recalibration)
    return RecalibrationResult(registered, champion.registered.label, recalibration, failed)


def refit_calibration(
    run: Run, champion: Champion, examples: Examples, open_rows: OpenWindowRows | None
) -> Recalibration:
    """The new calibration; its checks become gates of the record."""
    settings, record, model = run.settings, run.record, champion.model
    with record.stage("calibrating") as stage:
        rows = OpenWindowRows.complete(examples, model.raw(examples.x, settings.engine.threads))
        swing = newer_examples.monthly_swing_of(champion)
        recalibration = refit(model.calibration, rows, swing, open_rows)
        stage.rows_in, stage.rows_out = len(examples), recalibration.rows
    for name, check in (("", recalibration.check), ("newest_", recalibration.level)):
        if check is not None:
            gate = f"recalibration.{name}"
            record.gate(f"{gate}log_loss", check.log_loss, high=check.parent_log_loss)
            record.gate(f"{gate}level_error", check.level_error, high=check.parent_level_error)
    return recalibration


def _repeats(run: Run, snapshot: Snapshot, champion: Champion, on: tuple[str, ...]) -> bool:
    """Whether the champion was calibrated on these tables and months; once more, it would creep."""
    tags = champion.registered.tags
    this = provenance(run, snapshot) | {"calibrated_on": ", ".join(on)}
    return all(tags.get(name) == value for name, value in this.items() if name != "run")


def register(
    run: Run, snapshot: Snapshot, champion: Champion, recalibration: Recalibration
) -> registry.Registered:
    """A version of its own: the parent's boosters, spec and reference, the new calibration."""
    settings, record, parent = run.settings, run.record, champion.registered
    model = replace(champion.model, calibration=recalibration.calibration)
    stored = files.fetch(settings, parent)
    reference = {REFERENCE: stored[REFERENCE]} if REFERENCE in stored else {}
    inherited = {name: parent.tags[name] for name in _INHERITED_TAGS if name in parent.tags}
    tags = (
        inherited
        | provenance(run, snapshot)
        | {
            newer_examples.BOOSTERS_KNOWN_BEFORE: str(newer_examples.training_cutoff(champion)),
            "calibrated_on": ", ".join(recalibration.calibrated_on),
            "parent_version": parent.version,
        }
    )
    training = runs.Training(
        name=f"recalibrate {run.as_of}",
        started_at=record.started_at,
        params={"parent": parent.label, "calibrated_on": tags["calibrated_on"]},
        metrics=_metrics(recalibration),
        tags=tags,
        files={},
        model_files={**to_files(model), **reference},
        description=f"{parent.label} with its calibration refitted on {tags['calibrated_on']}.",
    )
    registered = runs.log_training(settings, training)
    record.model_version, record.model_digest = registered.label, registered.digest
    return registered


def decide(
    run: Run, champion: Champion, registered: registry.Registered, recalibration: Recalibration
) -> tuple[str, ...]:
    """Give the alias to the new version if its check allows and its parent still is champion.

    Returns the names of the rules that refuse it.
    """
    settings, now = run.settings, registry.champion_version(run.settings)
    moved = now is None or now.version != champion.registered.version
    failed = (*recalibration.failed, *(["parent_is_champion"] if moved else []))
    checks = {"check": recalibration.check, "level": recalibration.level}
    facts = plain_json({"promote": not failed, "failed": failed, **checks})
    registry.write_verdict(settings, registered, failed, facts)
    if not failed:
        registry.promote(settings, registered, _BY_RULE)
    run.record.notes.append(
        f"{registered.label} is {'not ' if failed else ''}champion"
        + (f": refused by {', '.join(failed)}" if failed else f": {_BY_RULE}")
    )
    return failed


def _metrics(recalibration: Recalibration) -> dict[str, float]:
    metrics = {
        f"{what}_{name}": value
        for what, check in (("check", recalibration.check), ("level", recalibration.level))
        for name, value in (asdict(check) if check else {}).items()
        if name != "months"
    }
    metrics |= {"rows": recalibration.rows, "leavers": recalibration.leavers}
    metrics |= asdict(recalibration.calibration.common)
    return {name: float(value) for name, value in metrics.items() if np.isfinite(value)}
