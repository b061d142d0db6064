"""What a training run tries out before it judges: a search, challengers, and what they lead to."""

import json
from dataclasses import asdict, dataclass, replace

from pipelines import tracking
from pipelines.run import Run
from pipelines.settings import Settings
from pipelines.training.challengers import hold_challengers
from pipelines.training.effort import Effort
from pipelines.training.evaluation import with_recipe
from pipelines.training.examples import Prepared
from pipelines.training.rivalry import Held


@dataclass(frozen=True, slots=True)
class Tried:
    """The settings to go on with, and everything that was held against the recipe."""

    settings: Settings
    held: tuple[Held, ...] = ()

    def to_json(self) -> bytes:
        """Verdict, gap, changes and scorecard of each."""
        rows = [
            {
                "name": held.name,
                "wins": held.wins,
                "verdict": held.verdict,
                "gap": asdict(held.gap),
                "changes": dict(held.changes),
                "cpu_seconds": held.cpu_seconds,
                "card": {name: asdict(interval) for name, interval in held.card.items()},
            }
            for held in self.held
        ]
        return json.dumps(rows, indent=1, ensure_ascii=False).encode()


def try_recipes(run: Run, prepared: Prepared, effort: Effort) -> Tried:
    """Search, then hold challengers against what is used, as far as the effort asks for it.

    A search's best trial is used when its whole interval is below the configured recipe's.
    """
    held: tuple[Held, ...] = ()
    if effort.search:
        # Optuna takes a second to import, which only a search needs.
        from pipelines.training.search import search

        found = search(run, prepared.examples, effort)
        held = (found,)
        if found.wins:
            run = replace(run, settings=with_recipe(run.settings, found.changes))
    if effort.challengers or run.settings.training.challengers:
        held += hold_challengers(run, prepared.examples)
    return Tried(run.settings, held)


def log_tried(settings: Settings, registered: tracking.Registered, tried: Tried) -> None:
    """Write each of them as a run inside the training run."""
    for held in tried.held:
        metrics = {name: interval.value for name, interval in held.card.items()}
        gap = {"gap": held.gap.value, "gap_low": held.gap.low, "gap_high": held.gap.high}
        tracking.log_inside(
            settings,
            registered.run_id,
            held.name,
            held.changes,
            {**metrics, **gap, "cpu_seconds": held.cpu_seconds},
            {"verdict": held.verdict, "wins": str(held.wins).lower()},
        )
