"""Model aliases: promotion and rollback of ``champion``; ``previous`` is the way back.

``previous`` is written before ``champion`` and removed after it, so a command that was killed in
between leaves a champion, and the same command run again finishes.
"""

from collections.abc import Sequence

import mlflow

from pipelines.config.settings import Settings
from pipelines.runtime.environment import instant
from pipelines.tracking.registry import CHAMPION, Registered, aliased, answering
from pipelines.tracking.store import point_at

PREVIOUS = "previous"
REFUSED, PASSED = "refused", "passed"


def write_verdict(
    settings: Settings, registered: Registered, failed: Sequence[str], facts: bytes
) -> None:
    """Tag the version ``verdict`` (passed or refused) and ``verdict_failed`` (rule names).

    ``facts`` becomes the run's ``verdict.json``.
    """
    point_at(settings)
    with answering(settings):
        client = mlflow.MlflowClient()
        client.log_text(registered.run_id, facts.decode(), "verdict.json")
        tags = {"verdict": REFUSED if failed else PASSED, "verdict_failed": "; ".join(failed)}
        for key, value in tags.items():
            client.set_model_version_tag(registered.name, registered.version, key, value or "none")


def promote(settings: Settings, registered: Registered, why: str) -> None:
    """Give a version the alias ``champion`` and tag it with when and why.

    The champion until now becomes ``previous``. A version that is champion already stays so.
    """
    now = aliased(settings, CHAMPION)
    if now is not None and now.version == registered.version:
        return
    with answering(settings):
        client = mlflow.MlflowClient()
        tags = {"promoted_at": instant(), "promoted_why": why}
        if now is not None:
            client.set_registered_model_alias(now.name, PREVIOUS, now.version)
            tags["promoted_over"] = now.version
        for key, value in tags.items():
            client.set_model_version_tag(registered.name, registered.version, key, value)
        client.set_registered_model_alias(registered.name, CHAMPION, registered.version)


def roll_back(settings: Settings, bad: Registered, good: Registered, why: str) -> None:
    """Give ``champion`` back to ``good`` and use up ``previous``; ``bad`` is tagged."""
    with answering(settings):
        client = mlflow.MlflowClient()
        if bad.version != good.version:
            for key, value in (("rolled_back_at", instant()), ("rolled_back_why", why)):
                client.set_model_version_tag(bad.name, bad.version, key, value)
            client.set_registered_model_alias(good.name, CHAMPION, good.version)
        client.delete_registered_model_alias(good.name, PREVIOUS)
