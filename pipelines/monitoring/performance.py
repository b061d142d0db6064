"""Performance of past publications: observed over expected, whole and by subgroup.

Only publications whose horizon is complete are evaluated, joined with what became of their rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
import pandas as pd

from features.errors import ContractError
from models.causal.lot import exposure_of
from models.dataset.exposure import days_after, whole_times
from models.metrics.bootstrap import Interval, MonthShocks, Rows
from models.metrics.observed_expected import ObservedExpected, observed_expected_by, outcome, tenths
from models.metrics.scorecard import scorecard
from pipelines.config.sections import Monitoring
from pipelines.config.settings import Settings
from pipelines.matrices.build import outcomes_at
from pipelines.publication.reader import Publication, manifest_facts, newest_publications
from pipelines.snapshots.snapshot import Snapshot

_LIST = "risk_list.parquet"
_NO_REASON = "none given"
_UNKNOWN = "unknown"
_MOST_STRANGERS = 0.5


@dataclass(frozen=True, slots=True)
class PublicationsByMaturity:
    """Publications to judge, those whose horizon is not complete, and those of another horizon."""

    complete: tuple[Publication, ...]
    immature: tuple[Publication, ...]
    other_horizon: tuple[Publication, ...]


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Published rows with a known label, and how many rows had none, by outcome.

    ``table`` has ``customer_id``, ``as_of_date``, ``product_line`` and ``reason_1_driver`` (texts),
    ``risk_rank`` and ``churn_probability`` as published, ``label`` (0 or 1) and ``publication``,
    the number of the entry of ``publications``. ``treated`` rows were treated before their outcome
    and are left out; those that the lot spared are there as often as they count for these
    (``models.dataset.exposure``).
    """

    publications: tuple[Publication, ...]
    models: tuple[str, ...]
    table: pd.DataFrame
    unlabelled: dict[str, int]
    treated: int = 0


@dataclass(frozen=True, slots=True)
class Performance:
    """Outcomes of rows in months that ``swing``; ``card`` is empty when only one class was seen."""

    past: LabelledRows
    swing: float
    whole: ObservedExpected
    callable: ObservedExpected
    tenths: tuple[ObservedExpected, ...]
    product_lines: tuple[ObservedExpected, ...]
    drivers: tuple[ObservedExpected, ...]
    publications: tuple[ObservedExpected, ...]
    card: dict[str, Interval]


def choose_publications(settings: Settings, today: date) -> PublicationsByMaturity:
    """The first publication of each of the last ``monitoring.months`` months that are complete.

    More of them would tell little: their label windows overlap.
    """
    days, window = settings.label.horizon_days, settings.label_window()
    made = [each for each in newest_publications(settings.paths.out) if each.as_of < today]
    over = [each for each in made if window.complete(each.as_of, today)]
    same = [each for each in over if manifest_facts(each.folder)["horizon_days"] == days]
    first: dict[tuple[int, int], Publication] = {}
    for each in same:
        first.setdefault((each.as_of.year, each.as_of.month), each)
    return PublicationsByMaturity(
        complete=tuple(first.values())[-settings.monitoring.months :],
        immature=tuple(each for each in made if each not in over),
        other_horizon=tuple(each for each in over if each not in same),
    )


def join_outcomes(
    settings: Settings,
    snapshot: Snapshot,
    publications: Sequence[Publication],
    today: date,
    marks: pd.DataFrame,
) -> LabelledRows:
    """The publications' rows, of which there is at least one, with their labels.

    ``marks`` tell who was treated since (``models.causal.lot.weigh_lot``). Who ended for another
    reason, or gave notice before the window, has no label. Raises ``ContractError`` when most of
    the listed customers are not in the tables any more.
    """
    ended = outcomes_at(settings, snapshot, [each.as_of for each in publications], today)
    happened = ended.to_pandas(date_as_object=False)
    parts = [_rows(each, number) for number, each in enumerate(publications)]
    listed = pd.concat(parts, ignore_index=True)
    happened["as_of_date"] = happened["as_of"].astype("datetime64[s]")
    rows = listed.merge(
        happened[["customer_id", "as_of_date", "outcome", "label", "ended_on"]],
        on=["customer_id", "as_of_date"],
        how="left",
        validate="one_to_one",
    )
    strange = rows["outcome"].isna().mean()
    if strange > _MOST_STRANGERS:
        raise ContractError(
            f"{strange:.0%} of the rows of past lists in {settings.paths.out} are of nobody who "
            "was a customer then, by today's tables. Were customers given new ids, or past "
            "contracts deleted? Look with: stille check."
        )
    known = rows[rows["label"].notna()]
    as_of = known["as_of_date"].to_numpy().astype("datetime64[D]")
    customer, ended = known["customer_id"].to_numpy(object), days_after(as_of, known["ended_on"])
    days = settings.label.lead_days + settings.label.horizon_days
    weight = exposure_of(customer, as_of, ended, marks).weights(days)
    times = whole_times(weight, known["label"].to_numpy(dtype=np.int8))
    known, treated = known.iloc[np.repeat(np.arange(len(known)), times)], int((weight == 0).sum())
    left_out = rows.loc[rows["label"].isna(), "outcome"].fillna(_UNKNOWN).value_counts()
    texts = {"product_line": "all", "reason_1_driver": _NO_REASON}
    table = known.reindex(columns=[*listed.columns.union([*texts]), "label"])
    return LabelledRows(
        publications=tuple(publications),
        models=tuple(str(manifest_facts(each.folder)["model_version"]) for each in publications),
        table=table.astype(dict.fromkeys(texts, "object")).fillna(texts),
        unlabelled={str(name): int(count) for name, count in left_out.sort_index().items()},
        treated=treated,
    )


def measure(
    past: LabelledRows, monitoring: Monitoring, swing: float, horizon_days: int, replicates: int
) -> Performance:
    """Measure what was published against what happened, in months that ``swing`` (log-odds)."""
    table = past.table
    y, p = table["label"].to_numpy(dtype=np.int8), table["churn_probability"].to_numpy(np.float64)
    days = table["as_of_date"].to_numpy().astype("datetime64[D]")
    shocks = MonthShocks(days, y, swing, horizon_days)
    rows = Rows(table["customer_id"].to_numpy(dtype=object), y, replicates, shocks)
    top = table["risk_rank"].to_numpy() <= monitoring.capacity
    lines, drivers = (table[n].to_numpy(dtype=object) for n in ("product_line", "reason_1_driver"))
    return Performance(
        past=past,
        swing=swing,
        whole=outcome("all", rows, p),
        callable=outcome(f"first {monitoring.capacity}", rows.take(top), p[top]),
        tenths=observed_expected_by(tenths(p, table["publication"].to_numpy()), rows, p),
        product_lines=observed_expected_by(lines, rows, p),
        drivers=observed_expected_by(drivers, rows, p),
        publications=observed_expected_by(days.astype(object), rows, p),
        card=scorecard(rows, p) if 0 < int(y.sum()) < len(y) else {},
    )


def performance_alarms(performance: Performance, monitoring: Monitoring) -> Iterator[str]:
    """A sentence for each figure of calibration outside its band, when 1 is not in its interval."""
    whole, slope = performance.whole, performance.card.get("calibration_slope")
    for name, figure, band in (
        ("observed over expected leavers", whole.ratio, monitoring.observed_to_expected),
        ("the calibration slope", slope, monitoring.calibration_slope),
    ):
        if figure is None or figure.low <= 1 <= figure.high:
            continue
        if not band.low <= figure.value <= band.high:
            shown = f"{figure.value:.2f} (95 % interval {figure.low:.2f} to {figure.high:.2f})"
            yield f"{name} is {shown}; it should be within {band.low:g} to {band.high:g}"


def as_data(performance: Performance) -> dict[str, object]:
    past = performance.past
    groups = ("tenths", "product_lines", "drivers", "publications")
    return {
        "run_ids": [each.run_id for each in past.publications],
        "model_versions": sorted(set(past.models)),
        "rows_without_label": past.unlabelled,
        "monthly_swing": performance.swing,
        "treated_rows_left_out": past.treated,
        "all": plain(performance.whole),
        "at_capacity": plain(performance.callable),
        **{name: [plain(each) for each in getattr(performance, name)] for name in groups},
        "scorecard": {name: asdict(each) for name, each in performance.card.items()},
    }


def plain(outcome: ObservedExpected) -> dict[str, object]:
    return {
        "name": outcome.name,
        "rows": outcome.rows,
        "expected": round(outcome.expected, 3),
        "observed": outcome.observed,
        "observed_rate": outcome.rate,
        "observed_to_expected": asdict(outcome.ratio),
    }


def _rows(publication: Publication, number: int) -> pd.DataFrame:
    rows = pd.read_parquet(publication.folder / _LIST)
    names = ["customer_id", "as_of_date", "product_line", "reason_1_driver"]
    kept = [name for name in names if name in rows.columns]
    days = pd.to_datetime(rows["as_of_date"]).astype("datetime64[s]")
    shown = rows[[*kept, "risk_rank", "churn_probability"]]
    return shown.assign(as_of_date=days, publication=number)
