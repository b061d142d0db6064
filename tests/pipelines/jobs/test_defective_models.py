"""No defective model gets the alias, each for a rule of its own."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import lightgbm as lgb
import numpy as np
import pytest
from scipy.special import expit, logit

from models.calibration.platt import Calibration
from models.churn.serialization import to_files
from models.dataset.feature_spec import FeatureSpec
from models.leaks.verdict import leak_warning
from models.metrics.bootstrap import Rows
from models.metrics.by_subgroup import calibration_by_subgroup
from models.metrics.scorecard import scorecard
from pipelines.config.run import Run
from pipelines.config.settings import load_settings
from pipelines.runtime.run_record import RunRecord
from pipelines.tracking import files, registry, runs
from pipelines.training.promotion import decide


def rescored(judged, p):
    card = scorecard(Rows(judged.test.customer_id, judged.test.y, 50), p)
    cards = {**judged.cards, "model": card}
    parts = calibration_by_subgroup(
        judged.test, p, Rows(judged.test.customer_id, judged.test.y, 50)
    )
    return replace(judged, scores={**judged.scores, "model": p}, cards=cards, parts=parts)


def shifted(judged, by=0.0, times=1.0, noise=0.0, rows=slice(None)):
    z = logit(judged.scores["model"])
    moved = z.copy()
    moved[rows] = (z.mean() + by + times * (z - z.mean()))[rows]
    moved += noise * np.random.default_rng(0).normal(size=len(z))
    return rescored(judged, expit(moved))


def constant(judged, model):
    return rescored(judged, np.full(len(judged.test), 0.3)), model


def inverted(judged, model):
    return shifted(judged, times=-1.0), model


def leaking(judged, model):
    found = rescored(judged, expit(6.0 * judged.test.y - 4 + 0.1 * logit(judged.scores["model"])))
    auc = found.cards["model"]["auc"].value
    test = judged.test
    return replace(found, leak=leak_warning(auc, 0.85, test.x, test.y, test.spec.names)), model


def not_a_number(judged, model):
    return judged, replace(model, calibration=Calibration(np.nan, 0.0))


def too_high(judged, model):
    return shifted(judged, by=1.0), model


def too_bold(judged, model):
    return shifted(judged, times=3.0), model


def too_bold_on_one_line(judged, model):
    return shifted(judged, times=3.0, rows=judged.test.product_line == "electricity"), model


def base_rate(judged, model):
    return rescored(judged, judged.scores["base_rate"]), model


def shuffled_labels(judged, model):
    return rescored(judged, np.random.default_rng(1).permutation(judged.scores["model"])), model


def silent_family(judged, model):
    return replace(judged, families=judged.families.assign(price=0.0)), model


def another_list(judged, model):
    return shifted(judged, noise=1.0), model


def worse_than_the_champion(judged, model):
    return shifted(judged, by=0.8), model


def other_spec(judged, model):
    first, *rest = model.spec.columns
    return judged, replace(
        model, spec=FeatureSpec((replace(first, definition="of another day"), *rest))
    )


def one_seed_broken(judged, model):
    text = model.boosters[0].model_to_string()
    zeros = [
        f"leaf_value={' '.join('0' * len(line.split()))}" if line.startswith("leaf_value") else line
        for line in text.splitlines()
        if not line.startswith("tree_sizes")
    ]
    return judged, replace(
        model, boosters=(*model.boosters, lgb.Booster(model_str="\n".join(zeros)))
    )


def miscalibrated_after_judging(judged, model):
    return judged, replace(model, calibration=Calibration(1.0, 3.0))


DEFECTS = [
    (constant, "ranks"),
    (inverted, "ranks"),
    (leaking, "no_leak"),
    (not_a_number, "as_judged"),
    (too_high, "calibration_level"),
    (too_bold, "calibration_slope"),
    (too_bold_on_one_line, "calibration_slope:electricity"),
    (base_rate, "beats_base_rate"),
    (shuffled_labels, "ranks"),
    (silent_family, "families"),
    (another_list, "stable_top"),
    (worse_than_the_champion, "log_loss_gain"),
    (other_spec, "features"),
    (one_seed_broken, "seeds"),
    (miscalibrated_after_judging, "as_judged"),
]


@pytest.fixture(scope="module")
def bench(_company, trained):
    """A registry of its own with a champion and a challenger, both the trained model."""
    settings = load_settings(_company.config)
    found = registry.version_of(settings, trained.registered.version)
    model = files.load(settings, found)
    own = settings.model_copy(
        update={"tracking": settings.tracking.model_copy(update={"model": "defects"})}
    )
    training = runs.Training(
        name="a copy",
        params={},
        metrics={},
        tags={key: value for key, value in found.tags.items() if key != "digest"},
        files={},
        model_files=to_files(model),
    )
    champion, challenger = (runs.log_training(own, training) for _ in range(2))
    registry.promote(own, champion, "a test")
    return SimpleNamespace(
        settings=own,
        evaluation=trained.evaluation,
        model=model,
        champion=champion,
        challenger=challenger,
    )


def decided(bench, judged, model):
    record = RunRecord("a-run", "train", "now")
    run = Run(bench.settings, date(2024, 1, 1), record)
    found = decide(run, judged, model, bench.challenger)
    version = registry.version_of(bench.settings, bench.challenger.version)
    return found, version.tags, record


@pytest.mark.promise("promotion")
@pytest.mark.fault(40)
@pytest.mark.parametrize(("defect", "rule"), DEFECTS, ids=[each.__name__ for each, _ in DEFECTS])
def test_a_defective_model_never_gets_the_alias(bench, defect, rule):
    found, tags, record = decided(bench, *defect(bench.evaluation, bench.model))
    assert rule in found.failed
    assert registry.champion_version(bench.settings).version == bench.champion.version
    assert tags["verdict"] == "refused"
    assert rule in tags["verdict_failed"].split("; ")
    closed = {gate.name for gate in record.gates if not gate.passed}
    assert closed == {f"promotion.{name}" for name in found.failed}


def test_the_same_model_without_a_defect_gets_it(bench):
    found, tags, record = decided(bench, bench.evaluation, bench.model)
    assert found.failed == ()
    assert registry.champion_version(bench.settings).version == bench.challenger.version
    assert registry.champion_version(bench.settings, "previous").version == bench.champion.version
    assert (tags["verdict"], tags["promoted_why"]) == ("passed", "all rules passed")
    gates = {gate.name: gate for gate in record.gates}
    assert gates["promotion.log_loss_gain"].value == 0
    assert gates["promotion.stable_top"].value == 1
    registry.promote(bench.settings, bench.champion, "as it was")
