"""Model promotion: the promotion rules applied to a newly registered model.

The rules read evidence only, so that the same decision can be made again from the run's files.
"""

import numpy as np

from models.churn.model import ChurnModel
from models.explain.shap_values import spread
from models.metrics.bootstrap import Interval, Rows
from models.metrics.by_subgroup import LINE
from models.promotion.evidence import ChallengerEvidence, log_loss_gain, weakest_seed_ratio
from models.promotion.verdict import Verdict, verdict
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.runtime.escaping import plain_json
from pipelines.runtime.run_record import Gate
from pipelines.tracking import registry
from pipelines.training.champion_comparison import ChampionComparisons, compare_champions
from pipelines.training.evaluation import Evaluation

_FEWEST_OF_A_LINE = 50
_BY_RULE = "all rules passed"


def decide(
    run: Run, evaluation: Evaluation, model: ChurnModel, registered: registry.Registered
) -> Verdict:
    """Give the alias to the new version if the promotion rules allow it.

    ``model`` is what was registered. Every rule goes into the run record's gates, the verdict
    into the version's tags and the run's ``verdict.json``.
    """
    settings, record = run.settings, run.record
    record.model_version, record.model_digest = registered.label, registered.digest
    found = compare_champions(settings, evaluation, registered, run.as_of)
    decision = verdict(evidence_of(settings, evaluation, model, found))
    record.gates += [
        Gate(f"promotion.{rule.name}", rule.value, rule.low, rule.high, rule.passed)
        for rule in decision.rules
    ]
    record.notes.extend(decision.reasons)
    compared = {
        "champion_compared": found.rival.label if found.rival else "none",
        "best_of_year": found.anchor.label if found.anchor else "the champion",
        "compared_in_year": str(found.looks),
    }
    facts = plain_json({"promote": decision.promote, **compared, "rules": decision.rules})
    registry.write_verdict(settings, registered, decision.failed, facts, **compared)
    if decision.promote:
        registry.promote(settings, registered, _BY_RULE)
    return decision


def evidence_of(
    settings: Settings, evaluation: Evaluation, model: ChurnModel, compared: ChampionComparisons
) -> ChallengerEvidence:
    """What the rules look at: the test scores, the registered model, and the champions."""
    test, threads = evaluation.test, settings.engine.threads
    same, own = model.spec.hash == test.spec.hash, np.full(len(test), np.nan)
    if same:
        own = model.probability(test.x, test.product_line, threads)
    return ChallengerEvidence(
        card=evaluation.cards["model"],
        slopes=_slopes(evaluation),
        base_log_loss=evaluation.cards["base_rate"]["log_loss"].value,
        own_gain=log_loss_gain(Rows(test.customer_id, test.y), own, evaluation.scores["model"]),
        weakest_seed=weakest_seed_ratio(model, test.x, test.y, threads) if same else np.nan,
        same_features=same,
        spread=spread(evaluation.families),
        leak=evaluation.leak,
        rival=compared.rival,
        anchor=compared.anchor,
        looks=compared.looks,
        baselines=evaluation.baselines,
    )


def _slopes(evaluation: Evaluation) -> dict[str, Interval]:
    """Calibration slope of each product line, where there are several with leavers enough."""
    lines = [part for part in evaluation.parts if part.outcome.name.startswith(LINE)]
    return {
        part.outcome.name.removeprefix(LINE): part.slope
        for part in lines
        if len(lines) > 1
        and part.slope is not None
        and _FEWEST_OF_A_LINE <= part.outcome.observed <= part.outcome.rows - _FEWEST_OF_A_LINE
    }
