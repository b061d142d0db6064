"""Whether the newly registered model becomes champion: the rules of models.promotion applied."""

import hashlib
import json
from dataclasses import asdict

import numpy as np

from models.bootstrap import Interval
from models.churn import ChurnModel
from models.evidence import Evidence
from models.explain import spread
from models.promotion import Verdict, verdict
from models.rivalry import Rival, mean_log_loss, weakest_seed
from models.scorecard import scorecard
from pipelines import tracking
from pipelines.record import Gate, RunRecord
from pipelines.run import Run
from pipelines.settings import Settings
from pipelines.training.judged import Judged
from pipelines.training.rival import rival_of

_FEWEST_OF_A_LINE = 50
_BY_RULE = "all rules passed"


def decide(run: Run, judged: Judged, model: ChurnModel, registered: tracking.Registered) -> Verdict:
    """Give the alias to the new version if the promotion rules allow it.

    ``model`` is what was registered. Every rule goes into the run record's gates, the verdict
    into the version's tags and the run's ``verdict.json``.
    """
    settings, record = run.settings, run.record
    record.model_version, record.model_digest = registered.label, registered.digest
    incumbent = tracking.champion(settings)
    decided = verdict(evidence_of(settings, judged, model, rival_of(settings, judged, incumbent)))
    note(decided, record)
    tracking.write_verdict(settings, registered, decided.failed, facts(decided))
    if decided.promote:
        tracking.promote(settings, registered, _BY_RULE)
    return decided


def note(decided: Verdict, record: RunRecord) -> None:
    """Put every rule into the run record: its value and band as a gate, its sentence as a note."""
    record.gates += [
        Gate(f"promotion.{rule.name}", rule.value, rule.low, rule.high, rule.passed)
        for rule in decided.rules
    ]
    record.notes.extend(decided.reasons)


def facts(decided: Verdict) -> bytes:
    """The verdict as JSON: the decision and each rule's name, value, band and sentence."""
    rules = [asdict(rule) for rule in decided.rules]
    return json.dumps({"promote": decided.promote, "rules": rules}, indent=1).encode()


def evidence_of(
    settings: Settings, judged: Judged, model: ChurnModel, rival: Rival | None
) -> Evidence:
    """What the rules look at: the judged scores, the registered model, and the champion."""
    test, threads = judged.test, settings.engine.threads
    same = model.spec.hash == test.spec.hash
    p = model.probability(test.x, test.product_line, threads) if same else None
    own = np.nan if p is None else mean_log_loss(test.y, p)
    return Evidence(
        card=judged.cards["model"],
        slopes=_slopes(settings, judged),
        base_log_loss=judged.cards["base_rate"]["log_loss"].value,
        own_log_loss=own,
        weakest_seed=weakest_seed(model, test.x, test.y, threads) if same else np.nan,
        same_features=same,
        spread=spread(judged.families),
        leak=judged.leak,
        rival=rival,
    )


def _slopes(settings: Settings, judged: Judged) -> dict[str, Interval]:
    """Calibration slope of each product line, where there are several with leavers enough."""
    test, p = judged.test, judged.scores["model"]
    lines = test.product_line.astype(str)
    found = {}
    for line in np.unique(lines):
        rows = lines == line
        left = int(test.y[rows].sum())
        if rows.all() or min(left, int(rows.sum()) - left) < _FEWEST_OF_A_LINE:
            continue
        card = scorecard(test.y[rows], p[rows], test.customer_id[rows], settings.training.bootstrap)
        found[str(line)] = card["calibration_slope"]
    return found


def test_key(judged: Judged) -> str:
    """SHA-256 (hex) of the test rows' customers, dates and labels: the same rows, the same key."""
    total = hashlib.sha256()
    total.update("\n".join(judged.test.customer_id.astype(str).tolist()).encode())
    total.update(judged.test.as_of.astype("int64").tobytes())
    total.update(judged.test.y.tobytes())
    return total.hexdigest()
