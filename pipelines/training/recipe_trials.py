"""Recipe trials of a training run: hyperparameter search and challenger recipes.

They run before the evaluation and on other rows, so that its figures stay those of one recipe.
"""

import json
from dataclasses import asdict, dataclass, replace

from models.baselines.challengers import CHALLENGERS
from models.dataset.examples import Examples
from pipelines import tracking
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.runtime.progress import bar
from pipelines.training.examples import TrainingData
from pipelines.training.recipe_comparison import CandidateResult, Effort, RecipeComparison


@dataclass(frozen=True, slots=True)
class RecipeTrials:
    """The settings to go on with, and every candidate that was compared with the recipe."""

    settings: Settings
    candidates: tuple[CandidateResult, ...] = ()

    def to_json(self) -> bytes:
        """Verdict, gap, changes and scorecard of each."""
        rows = [
            {
                "name": each.name,
                "wins": each.wins,
                "verdict": each.verdict,
                "gap": asdict(each.gap),
                "changes": dict(each.changes),
                "cpu_seconds": each.cpu_seconds,
                "card": {name: asdict(interval) for name, interval in each.card.items()},
            }
            for each in self.candidates
        ]
        return json.dumps(rows, indent=1, ensure_ascii=False).encode()


def try_recipes(run: Run, prepared: TrainingData, effort: Effort) -> RecipeTrials:
    """Search, then compare challengers with what is used, as far as the effort asks for it.

    A search's best trial is used when its whole interval is below the configured recipe's.
    """
    results: tuple[CandidateResult, ...] = ()
    if effort.search:
        # Optuna takes a second to import, which only a search needs.
        from pipelines.training.search import search

        best = search(run, prepared.examples, effort)
        results = (best,)
        if best.wins:
            training = run.settings.training.model_copy(update=dict(best.changes))
            used = run.settings.model_copy(update={"training": training})
            run = replace(run, settings=used)
    if effort.challengers or run.settings.training.challengers:
        results += compare_challengers(run, prepared.examples)
    return RecipeTrials(run.settings, results)


def compare_challengers(run: Run, examples: Examples) -> tuple[CandidateResult, ...]:
    """Compare every challenger with the configured recipe, on rows that judge nothing else.

    A win changes nothing by itself: its verdict, also in the run's notes, says what can be set.
    """
    comparison = RecipeComparison(run.settings, examples)
    with (
        run.record.stage("challengers") as stage,
        bar("comparing challengers", len(CHALLENGERS) + 1) as advance,
    ):
        stage.rows_in, stage.rows_out = len(comparison.examples), len(comparison.baseline.y)
        advance("recipe")
        results = []
        for challenger in CHALLENGERS:
            results.append(comparison.compare(challenger))
            advance(challenger.name)
    run.record.notes += [result.verdict for result in results]
    return tuple(results)


def log_trials(settings: Settings, registered: tracking.Registered, trials: RecipeTrials) -> None:
    """Write each of them as a run inside the training run."""
    for result in trials.candidates:
        metrics = {name: interval.value for name, interval in result.card.items()}
        gap = {"gap": result.gap.value, "gap_low": result.gap.low, "gap_high": result.gap.high}
        values = {**metrics, **gap, "cpu_seconds": result.cpu_seconds}
        tags = {"verdict": result.verdict, "wins": str(result.wins).lower()}
        run = registered.run_id
        tracking.log_run(settings, "", result.name, result.changes, values, tags, parent=run)
