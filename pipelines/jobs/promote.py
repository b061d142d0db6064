"""Manual promotion and rollback of the alias ``champion``.

A person decides otherwise than the rules only with a reason, which is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from features.errors import ModelError
from pipelines.config.run import open_run
from pipelines.config.settings import Settings
from pipelines.matrices.build import catalog_from
from pipelines.matrices.gates import refuse_other_features
from pipelines.snapshots.households import NOTICES
from pipelines.tracking import files, registry


@dataclass(frozen=True, slots=True)
class PromotionResult:
    """Who is champion after the command, who was before, and what became of the alias.

    With ``dry_run`` nothing was changed, and ``champion`` is who would be.
    """

    champion: str
    before: str | None
    changed: bool
    dry_run: bool
    why: str


def promote(
    config: Path, version: str | None = None, reason: str | None = None, *, dry_run: bool = False
) -> PromotionResult:
    """Make a version (the newest by default) the champion.

    Raises ``ModelError`` for a version that the promotion rules refused, that has no verdict
    or was rolled back, unless a ``reason`` is given; and for one whose files are damaged or
    whose features this code does not build, whatever the reason.
    """
    with open_run("promote", config) as run:
        settings, record = run.settings, run.record
        chosen = registry.version_of(settings, version)
        record.model_version, record.model_digest = chosen.label, chosen.digest
        now = registry.champion_version(settings)
        before = now.label if now else None
        if now is not None and now.version == chosen.version:
            return PromotionResult(chosen.label, before, False, dry_run, "it is champion already")
        why = _allowed(chosen, (reason or "").strip())
        _usable(settings, chosen)
        if not dry_run:
            registry.promote(settings, chosen, why)
        record.notes.append(f"{'would be promoted' if dry_run else 'promoted'}: {why}")
        return PromotionResult(chosen.label, before, True, dry_run, why)


def rollback(config: Path, reason: str | None = None, *, dry_run: bool = False) -> PromotionResult:
    """Give the alias back to the champion before this one, once.

    Raises ``ModelError`` when no previous champion is kept: a second rollback in a row would
    bring back what the first took away.
    """
    with open_run("rollback", config) as run:
        settings, record = run.settings, run.record
        now = registry.champion_version(settings)
        before = registry.champion_version(settings, registry.PREVIOUS)
        if now is None or before is None:
            champion = f"{now.label} stays champion" if now else "there is no champion"
            raise ModelError(
                f"no previous champion is kept to roll back to; {champion}. A rollback goes back "
                "one step. Choose another version: stille promote VERSION --reason TEXT."
            )
        record.model_version, record.model_digest = before.label, before.digest
        _usable(settings, before)
        why = (reason or "").strip() or "stille rollback"
        if not dry_run:
            registry.roll_back(settings, now, before, why)
        record.notes.append(f"{'would be rolled back' if dry_run else 'rolled back'}: {why}")
        return PromotionResult(before.label, now.label, now.version != before.version, dry_run, why)


def _allowed(chosen: registry.Registered, reason: str) -> str:
    """Why the version may be promoted: the rules', or the person's reason."""
    refused = _refusal(chosen.tags)
    if reason:
        return f"by a person: {reason}" + (f" ({refused})" if refused else "")
    if refused:
        raise ModelError(
            f"model {chosen.label} {refused}. Its rules are in verdict.json of its run (make ui). "
            "To promote it all the same, say why: stille promote "
            f"{chosen.version} --reason TEXT."
        )
    return "by a person: all rules passed"


def _refusal(tags: Mapping[str, str]) -> str | None:
    if "rolled_back_at" in tags:
        return f"was rolled back on {tags['rolled_back_at']}"
    if "verdict" not in tags:
        return "has no verdict of the promotion rules"
    if tags["verdict"] != registry.PASSED:
        return f"was refused by the promotion rules: {tags.get('verdict_failed', 'unknown')}"
    return None


def _usable(settings: Settings, chosen: registry.Registered) -> None:
    """Load the version and hold its features against those that this code builds."""
    model = files.load(settings, chosen)
    try:
        tables = TypeAdapter(dict[str, list[str]]).validate_json(chosen.tags["tables"])
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"model {chosen.label} does not say which tables it was trained on. Train again: "
            "stille train."
        ) from error
    kept = {k: v for k, v in tables.items() if k in settings.sources or k == NOTICES}
    refuse_other_features(chosen.label, model.spec, catalog_from(settings.sources, kept))
