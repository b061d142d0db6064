"""Training as-of dates: first days of months whose label window is complete.

Horizons also use newer months, as a discrete-time model learns from each complete period.
"""

from datetime import date

from features.errors import GateError
from features.timeline import LabelWindow, month_starts
from models.competing_risks.person_periods import PERIOD_DAYS
from pipelines.config.sections import Label
from pipelines.config.settings import Settings
from pipelines.matrices.shard import label_as_ofs
from pipelines.snapshots.snapshot import Snapshot


def training_as_ofs(settings: Settings, snapshot: Snapshot, today: date) -> tuple[date, ...]:
    """First days of months whose label window is complete, or the dates of a labels table.

    Raises ``GateError`` when there is none.
    """
    given = label_as_ofs(settings, snapshot)
    if given:
        return given
    training, window = settings.training, settings.label_window()
    months = month_starts(training.first_as_of, training.last_as_of or today)
    matured = tuple(day for day in months if window.complete(day, today))
    if not matured:
        raise GateError(
            f"no label window since training.first_as_of {training.first_as_of} was complete on "
            f"{today}: lead {window.lead_days} and horizon {window.horizon_days} days must have "
            "passed. Set training.first_as_of earlier or train later."
        )
    return matured


def labelled_as_ofs(settings: Settings, snapshot: Snapshot, today: date) -> tuple[date, ...]:
    """``training_as_ofs``, and with horizons the newer months whose first period is complete."""
    matured = training_as_ofs(settings, snapshot, today)
    if not learns_horizons(settings.label, snapshot):
        return matured
    period = LabelWindow(settings.label.lead_days, PERIOD_DAYS)
    newer = month_starts(matured[-1], settings.training.last_as_of or today)[1:]
    return (*matured, *(day for day in newer if period.complete(day, today)))


def learns_horizons(label: Label, snapshot: Snapshot) -> bool:
    """Whether outcomes by horizon are asked for, and ends have the days that they need."""
    tables = snapshot.tables
    return bool(label.horizons) and "terminations" in tables and "labels" not in tables
