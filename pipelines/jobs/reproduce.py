"""Reproduction job: a training again, from its tables and configuration, against its bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import GateError, ModelError
from models.churn.serialization import digest
from models.dataset.feature_spec import listed
from pipelines.config.run import open_run
from pipelines.config.settings import Settings
from pipelines.jobs.read_tables import read_tables
from pipelines.jobs.train import circumstances, learn
from pipelines.snapshots.facts import verify_snapshot
from pipelines.snapshots.store import readable_snapshots
from pipelines.tracking.runs import PROVENANCE, find_logged


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A run whose model came out the same, and what of its ``circumstances`` is other now."""

    label: str
    digest: str
    other: tuple[str, ...]


def reproduce(config: Path, name: str) -> Reproduction:
    """Train as the run of ``find_logged``'s ``name`` did; nothing is registered.

    From the snapshot of then, or from the tables where it is not kept any more. Raises what
    ``learn`` raises, ``ModelError`` for a run that does not tell what it was made of, and
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
        run = replace(opened, settings=settings, as_of=date.fromisoformat(before["as_of"]))
        run.record_inputs()
        kept = readable_snapshots(settings.paths.snapshots)
        snapshot = next((each for each in kept if each.digest == before["snapshot"]), None)
        if snapshot is None:
            snapshot = read_tables(run)
        verify_snapshot(snapshot)
        learned = learn(run, snapshot)
        other = _differences(before, circumstances(run, snapshot, learned.prepared.examples))
        found, expected = digest(learned.fitted.files), logged.tags["digest"]
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
    now = {name: getattr(settings, name) for name in ("paths", "engine", "tracking", "privacy")}
    return Settings.model_validate({**configuration, **now, "sources": sources})


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """What of two ``circumstances`` is not the same, each with the parts that are not."""
    other = []
    for name in now:
        a, b = before.get(name), now[name]
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            parts = sorted(key for key in {*a, *b} if a.get(key) != b.get(key))
            other += [f"{name} ({listed(parts)})"] if parts else []
        elif a != b:
            other.append(name)
    return tuple(other)
