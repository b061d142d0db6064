"""What the tables were like when the champion learned from them, kept with its training run."""

from pathlib import Path

from features.errors import ModelError
from pipelines.record import RunRecord
from pipelines.settings import Settings
from pipelines.snapshots.facts import TABLES_NAME, tables_from_json
from pipelines.snapshots.measure import NOTHING, Known

_LOCAL = "sqlite:///"


def champion_tables(settings: Settings, record: RunRecord) -> Known:
    """The tables of the champion's training; nothing without a champion or an answer.

    A registry that does not answer is noted in ``record`` and stops nothing: the gates that need
    no other snapshot hold all the same.
    """
    if record.degraded or not _may_hold_a_champion(settings):
        return NOTHING
    # MLflow takes seconds to import, and a first check has no use for it.
    from pipelines import tracking
    from pipelines.champion import within

    try:
        content = within(settings, lambda: tracking.champion_file(settings, TABLES_NAME))
    except ModelError as error:
        record.notes.append(f"the tables are not held against the champion's: {error}")
        return NOTHING
    if content is None:
        return NOTHING
    return Known(tables_from_json(content), "the champion's training", growing=True)


def _may_hold_a_champion(settings: Settings) -> bool:
    """Whether asking can help: to ask a file that is not there would make it."""
    uri = settings.tracking.uri
    if uri is None:
        return settings.paths.mlflow_database.is_file()
    return not uri.startswith(_LOCAL) or Path(uri.removeprefix(_LOCAL)).is_file()
