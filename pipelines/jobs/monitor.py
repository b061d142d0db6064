"""Model monitoring job: calibration of past probabilities, drift of the inputs from training."""

from datetime import timedelta

from pipelines.config.measurement import MONITORING_VERSION, newest, sealed_json
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.jobs.read_tables import read_tables
from pipelines.matrices.treatment_record import treatment_marks
from pipelines.monitoring import performance as past_performance
from pipelines.monitoring.inputs import gate_history, input_alarms, measure_inputs, source_health
from pipelines.monitoring.list_use import measure_list_use
from pipelines.monitoring.questions import answers_of
from pipelines.monitoring.result import AlarmError, MonitoringResult, as_data, flat_metrics
from pipelines.runtime.atomic_files import write_file
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking import files as model_files
from pipelines.tracking import runs
from pipelines.tracking.champion import Champion, resolve_champion
from pipelines.training.newer_examples import monthly_swing_of


def monitor(run: Run) -> MonitoringResult:
    """Judge past publications and tonight's inputs by what is known before the as-of date.

    Writes ``var/monitoring/<as-of date>.json``, ``var/overrides/<as-of date>.csv`` and a run in
    MLflow. Raises ``ModelError`` without a usable champion, ``ContractError`` for broken tables,
    ``PublicationError`` when the disk refuses, and ``AlarmError`` once all is written when a
    configured band is left.
    """
    champion = run.step(resolve_champion, run)
    snapshot = run.step(read_tables, run)
    chosen = past_performance.choose_publications(run.settings, run.as_of)
    swing = monthly_swing_of(champion)
    performance = run.step(evaluate_past, run, snapshot, chosen, swing)
    reference = model_files.load_reference(run.settings, champion.registered)
    inputs = run.step(measure_inputs, run, snapshot, champion, reference)
    folder, limits, today = run.settings.paths.monitoring, run.settings.monitoring, run.as_of
    before = newest(folder, today - timedelta(days=1), MONITORING_VERSION).data
    alarms = [
        *(past_performance.performance_alarms(performance, limits) if performance else ()),
        *(input_alarms(inputs, limits.max_drift) if inputs else ()),
    ]
    result = MonitoringResult(
        day=today,
        chosen=chosen,
        performance=performance,
        inputs=inputs,
        answers=run.step(answers_of, run, snapshot),
        use=run.step(measure_list_use, run, snapshot),
        sources=source_health(snapshot, run.settings.company.timezone, today, before),
        gates=gate_history(run.settings.paths.runs),
        alarms=tuple(alarms),
        path=folder / f"{today}.json",
    )
    run.step(write, run.settings, result, champion)
    if result.alarms:
        raise AlarmError(result)
    return result


def evaluate_past(
    run: Run, snapshot: Snapshot, chosen: past_performance.PublicationsByMaturity, swing: float
) -> past_performance.Performance | None:
    """What became of the rows of complete publications, of months that ``swing``; None without."""
    settings = run.settings
    with run.record.stage("outcomes") as stage:
        if not chosen.complete:
            return None
        marks = treatment_marks(run, snapshot)
        past = past_performance.join_outcomes(settings, snapshot, chosen.complete, run.as_of, marks)
        stage.rows_out = len(past.table)
        days, replicates = settings.label.horizon_days, settings.training.bootstrap
        return past_performance.measure(past, settings.monitoring, swing, days, replicates)


def write(settings: Settings, result: MonitoringResult, champion: Champion) -> None:
    """The report's data as JSON, the register of overrides, and the figures in MLflow."""
    data = sealed_json(as_data(settings.company.name, result, champion))
    write_file(result.path, data)
    if result.use.register is not None:
        write_file(settings.paths.overrides / f"{result.day}.csv", result.use.register)
    tags = {
        "monitoring_date": str(result.day),
        "champion": champion.registered.label,
        "alarms": "; ".join(result.alarms) or "none",
    }
    files = {f"{result.day}.json": data}
    name, metrics = f"monitor {result.day}", flat_metrics(result)
    runs.log_run(settings, "monitoring", name, {}, metrics, tags, files)
