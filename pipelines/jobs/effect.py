"""Treatment effect job: outcomes of past assignments, by intention to treat.

Only the holdout shows whether contacting helps, as risk decides who is contacted.
"""

from models.causal.treatment_effect import SAVED_SHARE, TARGET_POWER, measure_effects
from pipelines.config.measurement import sealed_json
from pipelines.config.run import Run
from pipelines.effect.assignments import arms_until
from pipelines.effect.result import EffectResult, HarmError, as_data
from pipelines.effect.uplift_training import train_uplift_model
from pipelines.jobs.read_tables import read_tables
from pipelines.runtime.atomic_files import write_file


def measure(run: Run) -> EffectResult:
    """Measure by what was known before the as-of date; writes ``var/effect/<as-of date>.json``.

    Raises ``ContractError`` for broken tables or none of terminations, ``PublicationError`` when
    the disk refuses, and ``HarmError`` once all is written when contacting does harm.
    """
    settings, today = run.settings, run.as_of
    snapshot = run.step(read_tables, run)
    with run.record.stage("effect") as stage:
        arms = arms_until(settings, snapshot, today)
        saved, woken = SAVED_SHARE, 0.0
        if settings.economics is not None:
            saved = settings.economics.saved_share
            # The sleepers are the ones that wake; a list that protects them does not have them.
            woken = settings.economics.woken_share * (settings.list.peace.asleep_days is None)
        found = [measure_effects(lot.assigned, saved, woken) for lot in arms.lots]
        effects, by_lot = found[0], tuple(everybody for everybody, *_ in found)
        stage.rows_in = stage.rows_out = sum(len(lot.assigned) for lot in arms.lots)
    responds = None
    if effects[0].power >= TARGET_POWER:
        responds = train_uplift_model(run, snapshot, arms.lots[0].assigned)
    path = settings.paths.effect / f"{today}.json"
    result = EffectResult(today, arms, effects, by_lot, responds, saved, path)
    write_file(path, sealed_json(as_data(result)))
    if result.harmful:
        raise HarmError(result)
    return result
