"""Reproduction job: a training again, from its tables and configuration, against its bytes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import GateError, ModelError
from models.churn.serialization import digest
from models.dataset.feature_spec import listed
from pipelines.config.run import NO_RESULT, open_run
from pipelines.config.settings import Settings
from pipelines.jobs.read_tables import read_tables
from pipelines.jobs.train import circumstances, evaluate_recipe, fit_all
from pipelines.snapshots.facts import verify_snapshot
from pipelines.snapshots.store import readable_snapshots
from pipelines.tracking.runs import PROVENANCE, find_logged
from pipelines.training.examples import leave_out_treated, make_examples
from pipelines.training.horizons import learn_outcomes


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A run whose model came out the same, and what of its ``circumstances`` is other now."""

    label: str
    digest: str
    other: tuple[str, ...]


def reproduce(config: Path, name: str) -> Reproduction:
    """Train as the run of ``find_logged``'s ``name`` did; nothing is registered.

    From the snapshot of then, or from the tables where it is not kept any more. Raises what
    a training raises, ``ModelError`` for a run that does not tell what it was made of, and
    ``GateError`` when one byte of the model is another, with all that may be the reason.
    """
    with open_run("reproduce", config) as opened:
        logged = find_logged(opened.settings, name)
        before: Mapping[str, Any] | None = logged.facts.get(PROVENANCE)
        if before is None or "digest" not in logged.tags:
            raise ModelError(
                f"{logged.label} does not tell what it was made of: it is no training, or one of "
                "an older release. Train again: stille train."
            )
        settings = _configured(opened.settings, before["configuration"])
        tables = before["tables"]
        run = replace(opened, settings=settings, as_of=date.fromisoformat(tables["as of"]))
        run.record_inputs()
        kept = readable_snapshots(settings.paths.snapshots)
        snapshot = next((each for each in kept if each.digest == tables["snapshot"]), None)
        if snapshot is None:
            snapshot = read_tables(run)
        verify_snapshot(snapshot)
        prepared, _ = leave_out_treated(run, make_examples(run, snapshot))
        evaluation = evaluate_recipe(run, prepared)
        fitted = fit_all(run, prepared, evaluation, learn_outcomes(run, prepared, evaluation))
        now = circumstances(run, snapshot, prepared.examples)
        found, expected = digest(fitted.files), logged.tags["digest"]
    other = tuple(_differences(before, now))
    if found == expected:
        return Reproduction(logged.label, found, other)
    raise GateError(
        f"{logged.label} came out with other bytes: digest {found[:12]}…, not {expected[:12]}…. "
        f"Other than then: {'; '.join(other) or 'nothing that is known'}. Go back to what was "
        "then, or train anew: stille train."
    )


def _configured(settings: Settings, configuration: Mapping[str, Any]) -> Settings:
    """The run's configuration with the folders, addresses and threads of now."""
    sources = {
        name: {
            **source,
            **settings.sources[name].model_dump(include={"database"}, exclude_unset=True),
        }
        for name, source in configuration["sources"].items()
        if name in settings.sources
    }
    now = {name: getattr(settings, name) for name in NO_RESULT}
    return Settings.model_validate({**configuration, **now, "sources": sources})


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, b in now.items():
        a = before.get(name, {})
        if other := sorted(key for key in {*a, *b} if a.get(key) != b.get(key)):
            yield f"{name} ({listed(other)})"
