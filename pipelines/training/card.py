"""Model card (Mitchell et al. 2019): purpose, performance and limits of a model.

Every figure is of the run, so that the text cannot promise what was not measured.
"""

from datetime import date
from math import isfinite

import numpy as np
import pandas as pd

from models.explain.shap_values import global_importance
from models.metrics.observed_expected import observed_expected_by
from pipelines.config.settings import Settings
from pipelines.runtime.escaping import page_template
from pipelines.training.evaluation import Evaluation
from pipelines.training.examples import TrainingData
from pipelines.training.metrics import CARD_METRICS

CARD = "model_card.md"
_LONGEST = 5_000


def model_card(
    settings: Settings,
    prepared: TrainingData,
    evaluation: Evaluation,
    known_before: date,
    code_version: str,
) -> str:
    """The card as Markdown. Every value is escaped, every figure is of this run.

    ``known_before`` is the day before which all was known to the model.
    """
    lines = pd.Series(evaluation.test.product_line).fillna("all").to_numpy(dtype=object)
    families = {column.driver: column.family for column in evaluation.test.spec.columns}
    weakest_first = map(str, reversed(evaluation.drivers.index))
    return page_template(CARD).render(
        settings=settings,
        prepared=prepared,
        evaluation=evaluation,
        known_before=known_before,
        code_version=code_version,
        customers=len(np.unique(prepared.examples.customer_id.astype(str))),
        dates=np.unique(prepared.examples.as_of),
        beside={each.name: f" (model {each.sentence})" for each in evaluation.baselines},
        metrics=CARD_METRICS,
        lines=observed_expected_by(lines, evaluation.rows, evaluation.scores["model"]),
        families=global_importance(evaluation.families),
        strongest={families[driver]: driver for driver in weakest_first},
        isfinite=isfinite,
    )


def description(card: str) -> str:
    """The card's whole sections that fit into a description in MLflow, 5,000 characters."""
    sections = card.split("\n## ")
    more = f"\n\nThe rest is in `{CARD}` of the run.\n"
    text = sections[0]
    for section in sections[1:]:
        longer = f"{text}\n## {section}"
        if len(longer) > _LONGEST - len(more):
            return text.rstrip() + more
        text = longer
    return text
