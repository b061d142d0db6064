"""Recipe comparison by out-of-fold log loss on development rows, and the trials of a training run.

Test rows take no part: a choice made on them would make the evaluation optimistic. Search and
challenger recipes run before the evaluation, so that its figures stay those of one recipe.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from features.errors import ConfigError
from features.timeline import LabelWindow
from models.baselines.out_of_fold import (
    CHALLENGERS,
    OutOfFold,
    Scorer,
    development,
    folds_of,
    out_of_fold,
    recipe_scorer,
)
from models.boosters.hyperparameters import Recipe, with_changes
from models.dataset.examples import Examples
from models.dataset.splits import Fold
from models.metrics.bootstrap import Interval, Rows, mean_interval
from models.metrics.scorecard import scorecard
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.runtime.progress import bar
from pipelines.tracking import registry, runs
from pipelines.training.evaluation import recipe_of, test_folds
from pipelines.training.examples import TrainingData

_MINUTES = 10.0


@dataclass(frozen=True, slots=True)
class Effort:
    """Whether challengers are compared with the recipe, and whether and how long to search.

    ``trials`` counts the finished trials of the whole study, earlier calls included; ``minutes``
    counts this call. Without either a search takes ten minutes. Raises ``ConfigError`` when a
    limit is given without a search, or is not positive.
    """

    challengers: bool = False
    search: bool = False
    trials: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        limits = [limit for limit in (self.trials, self.minutes) if limit is not None]
        if limits and not self.search:
            raise ConfigError("--minutes and --trials limit a search: add --search.")
        if any(limit <= 0 for limit in limits):
            raise ConfigError("--minutes and --trials must be above 0.")

    @property
    def seconds(self) -> float | None:
        """How long trials may take, None for as long as the trials need."""
        minutes = _MINUTES if self.minutes is None and self.trials is None else self.minutes
        return None if minutes is None else 60 * minutes


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """One candidate compared with the recipe of the configuration.

    ``gap`` is its mean log loss minus the recipe's. ``changes`` under ``training`` would make the
    recipe this candidate.
    """

    name: str
    card: Mapping[str, Interval]
    gap: Interval
    cpu_seconds: float
    changes: Mapping[str, object]

    @property
    def wins(self) -> bool:
        """Whether the whole interval of the gap lies below zero."""
        return self.gap.high < 0

    @property
    def verdict(self) -> str:
        """The decision in one sentence, and what to do about a win."""
        gap = f"{self.gap:+.5f}"
        if not self.wins:
            return f"{self.name} does not beat the recipe: log loss {gap}."
        settings = ", ".join(f"{k}: {_yaml(v)}" for k, v in self.changes.items())
        return (
            f"{self.name} beats the recipe: log loss {gap}. To try it on the test months, set "
            f"training: {{{settings}}} and train again."
        )


class RecipeComparison:
    """Development rows, their folds, and what the configured recipe reaches on them.

    Raises ``GateError`` where no row is left beside the test rows.
    """

    def __init__(self, settings: Settings, examples: Examples) -> None:
        self.window: LabelWindow = settings.label_window()
        self.examples = development(examples, test_folds(settings, examples))
        self.recipe: Recipe = recipe_of(settings, len(self.examples), self.examples.single_date)
        self.folds: tuple[Fold, ...] = folds_of(self.examples, self.window, self.recipe)
        self._replicates = settings.training.bootstrap

    @cached_property
    def baseline(self) -> OutOfFold:
        """The configured recipe on the folds."""
        return out_of_fold(self.examples, self.folds, self.scorer({}))

    def scorer(
        self, changes: Mapping[str, object], seeds: int | None = None
    ) -> Callable[[Examples], Scorer]:
        """How the recipe with ``changes`` is fitted; on its first ``seeds`` seeds only."""
        recipe = with_changes(self.recipe, {**changes, "seeds": self.recipe.seeds[:seeds]})
        return lambda train: recipe_scorer(train, recipe)

    def compare(self, name: str, changes: Mapping[str, object]) -> CandidateResult:
        """Fit the recipe with ``changes`` on every fold and compare it with the recipe as it is."""
        baseline = self.baseline
        started = time.process_time()
        scores = out_of_fold(self.examples, self.folds, self.scorer(changes))
        cpu_seconds = time.process_time() - started
        card = scorecard(Rows(scores.customer_id, scores.y, self._replicates), scores.p)
        gap = mean_interval(scores.losses - baseline.losses, scores.customer_id)
        return CandidateResult(name, card, gap, cpu_seconds, changes)


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:.4g}"


@dataclass(frozen=True, slots=True)
class RecipeTrials:
    """The settings to go on with, and every candidate that was compared with the recipe."""

    settings: Settings
    candidates: tuple[CandidateResult, ...] = ()

    def to_json(self) -> bytes:
        """Verdict, gap, changes and scorecard of each."""
        rows = [
            {**asdict(each), "wins": each.wins, "verdict": each.verdict} for each in self.candidates
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
        for name, changes in CHALLENGERS.items():
            results.append(comparison.compare(name, changes))
            advance(name)
    run.record.notes += [result.verdict for result in results]
    return tuple(results)


def log_trials(settings: Settings, registered: registry.Registered, trials: RecipeTrials) -> None:
    """Write each of them as a run inside the training run."""
    for result in trials.candidates:
        metrics = {name: interval.value for name, interval in result.card.items()}
        gap = {"gap": result.gap.value, "gap_low": result.gap.low, "gap_high": result.gap.high}
        values = {**metrics, **gap, "cpu_seconds": result.cpu_seconds}
        tags = {"verdict": result.verdict, "wins": str(result.wins).lower()}
        run = registered.run_id
        runs.log_run(settings, "", result.name, result.changes, values, tags, parent=run)
