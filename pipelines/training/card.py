"""Model card (Mitchell et al. 2019): purpose, performance and limits of a model.

Every figure is of the run, so that the text cannot promise what was not measured.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from math import isfinite

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from models.dataset.examples import Examples
from models.explain.shap_values import global_importance
from models.metrics.bootstrap import Interval
from models.metrics.observed_expected import observed_expected_by
from pipelines.config.settings import Settings
from pipelines.training.evaluation import Evaluation
from pipelines.training.examples import TrainingData
from pipelines.training.metrics import CARD_METRICS

CARD = "model_card.md"
_LONGEST = 5_000
_ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in "\\`*[]|#"} | {"<": "&lt;", ">": "&gt;"})
_LABELLED = ("stayed", "voluntary")


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
    label, test = settings.label, evaluation.test
    others = [name for name in evaluation.cards if name != "model"]
    lines = pd.Series(test.product_line).fillna("all").to_numpy(dtype=object)
    by_line = observed_expected_by(lines, evaluation.rows, evaluation.scores["model"])
    beside = {each.name: f" (model {each.sentence})" for each in evaluation.baselines}
    left_out = [
        f"{name.replace('_', ' ')} {count:,}"
        for name, count in prepared.outcomes.items()
        if name not in _LABELLED
    ]
    card = {
        "company": settings.company.name,
        "lead_days": label.lead_days,
        "window_end": label.lead_days + label.horizon_days,
        "known_before": known_before,
        "code_version": code_version,
        **_learned(prepared.examples),
        "swing": f"{evaluation.swing:.2f}",
        "judged_on": "; ".join(evaluation.folds),
        "test_rows": f"{len(test):,}",
        "test_leavers": f"{int(test.y.sum()):,}",
        "others": [name.replace("_", " ") for name in others],
        "metrics": [_metric(evaluation.cards, name, others) for name in CARD_METRICS],
        "descriptions": [
            {
                "name": name.replace("_", " "),
                "text": evaluation.descriptions[name] + beside.get(name, ""),
            }
            for name in others
        ],
        "leak_override": settings.training.leak_override,
        "leak_warning": evaluation.leak or "",
        "lines": by_line,
        "families": _families(evaluation),
        "omitted": str(len(prepared.omitted) or "none"),
        "silent": str(len(prepared.silent) or "none"),
        "left_out": ", ".join(left_out) or "none",
    }
    return _template().render(card=card)


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


def escaped(value: object) -> str:
    """Text that Markdown shows as it stands, on one line."""
    return " ".join(str(value).split()).translate(_ESCAPES)


@cache
def _template() -> Template:
    texts = Environment(
        loader=PackageLoader("pipelines"),
        autoescape=False,  # noqa: S701 - Markdown: every value is escaped by ``finalize``
        finalize=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return texts.get_template(CARD)


def _learned(examples: Examples) -> dict[str, object]:
    leavers = int(examples.y.sum())
    return {
        "rows": f"{len(examples):,}",
        "customers": f"{len(np.unique(examples.customer_id.astype(str))):,}",
        "dates": len(np.unique(examples.as_of)),
        "first_as_of": examples.as_of.min(),
        "last_as_of": examples.as_of.max(),
        "leavers": f"{leavers:,}",
        "leaving_share": f"{leavers / len(examples):.2%}",
        "features": len(examples.spec.columns),
    }


def _metric(
    cards: Mapping[str, Mapping[str, Interval]], name: str, others: Sequence[str]
) -> dict[str, object]:
    ours, values = cards["model"][name], [cards[other][name].value for other in others]
    return {
        "name": name.replace("_", " "),
        "model": f"{ours:.4f}",
        "others": [f"{value:.4f}" if isfinite(value) else "–" for value in values],
    }


def _families(evaluation: Evaluation) -> list[dict[str, str]]:
    families = {column.driver: column.family for column in evaluation.test.spec.columns}
    strongest: dict[str, str] = {}
    for driver in evaluation.drivers.index:
        strongest.setdefault(families[str(driver)], str(driver))
    return [
        {
            "name": str(name).replace("_", " "),
            "strength": f"{strength:.3f}",
            "driver": strongest.get(str(name), "").replace("_", " "),
        }
        for name, strength in global_importance(evaluation.families).items()
    ]
