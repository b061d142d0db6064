"""The challengers in a training run: held against the recipe, told of, never promoted by it."""

from functools import partial

from models.challengers import CHALLENGERS, Challenger
from models.examples import Examples
from models.selection import Scorer
from pipelines.progress import bar
from pipelines.run import Run
from pipelines.training.rivalry import Held, Rivalry


def hold_challengers(run: Run, examples: Examples) -> tuple[Held, ...]:
    """Hold every challenger against the configured recipe, on rows that judge nothing else.

    A win changes nothing by itself: its verdict, also in the run's notes, says what can be set.
    """
    rivalry = Rivalry(run.settings, examples)
    with (
        run.record.stage("challengers") as stage,
        bar("holding challengers", len(CHALLENGERS) + 1) as advance,
    ):
        stage.rows_in, stage.rows_out = len(rivalry.examples), len(rivalry.base.y)
        advance("recipe")
        held = []
        for challenger in CHALLENGERS:
            held.append(_hold(rivalry, challenger))
            advance(challenger.name)
    run.record.notes += [each.verdict for each in held]
    return tuple(held)


def _hold(rivalry: Rivalry, challenger: Challenger) -> Held:
    make = partial(_fit, rivalry, challenger)
    return rivalry.hold(challenger.name, make, challenger.changes, challenger.advice)


def _fit(rivalry: Rivalry, challenger: Challenger, train: Examples) -> Scorer:
    return challenger.make(train, rivalry.recipe)
