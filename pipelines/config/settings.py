"""Settings: a company's YAML composed into frozen values, checked before anything runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from features.timeline import LabelWindow
from pipelines.config import sections
from pipelines.config.file import read_config
from pipelines.config.lists import Contact, RiskList
from pipelines.config.mapping import declaration_problems, left_to_history
from pipelines.config.ownership import refuse_foreign
from pipelines.config.sections import Section
from pipelines.config.sources import FORMATS, REPORTED, Dialect, Source


class Settings(Section):
    """One complete, runnable configuration."""

    company: sections.Company
    paths: sections.Paths
    dialect: Dialect = Dialect()
    sources: Annotated[Mapping[str, Source], Field(min_length=1)]
    label: sections.Label = sections.Label()
    training: sections.Training
    economics: sections.Economics | None = None
    list: RiskList = RiskList()
    contact: Contact = Contact()
    privacy: sections.Privacy = sections.Privacy()
    engine: sections.Engine = sections.Engine()
    tracking: sections.Tracking = sections.Tracking()
    quality: sections.Quality = sections.Quality()
    monitoring: sections.Monitoring = sections.Monitoring()
    notifications: sections.Notifications = sections.Notifications()

    def dialect_of(self, table: str) -> Dialect:
        """The company's dialect with the overrides of one source."""
        own = self.sources[table].dialect.model_dump(exclude_unset=True)
        return Dialect(**{**self.dialect.model_dump(), **own})

    def zone_of(self, table: str) -> str:
        """Zone of a source's naive instants: declared, or that of its format, or UTC.

        Reading refuses naive instants of a format that has none, where none is declared.
        """
        source = self.sources[table]
        by_company = FORMATS[source.kind].zone == "company"
        return source.timezone or (self.company.timezone if by_company else "UTC")

    def delays(self) -> dict[str, int]:
        """Days from an event, or a moment that reveals a value, until it is known; by table."""
        return {name: source.known_delay_days or 0 for name, source in self.sources.items()}

    def label_window(self) -> LabelWindow:
        """The window of the label, complete once the notices given in it are known."""
        delay = self.delays().get("terminations", 0)
        return LabelWindow(self.label.lead_days, self.label.horizon_days, delay)

    def quarantine_share_of(self, table: str) -> float:
        own = self.sources[table].max_quarantine_share
        return self.quality.max_quarantine_share if own is None else own

    def may_hold_models(self) -> bool:
        """Whether a store can be there: to ask for a file that is not, or is empty, makes it."""
        uri = self.tracking.uri or f"{sections.SQLITE}{self.paths.mlflow_database}"
        path = Path(uri.removeprefix(sections.SQLITE).partition("?")[0])
        return not uri.startswith(sections.SQLITE) or (path.is_file() and path.stat().st_size > 0)


def load_settings(path: Path) -> Settings:
    """Read, expand and check a configuration file.

    Raises ``ConfigError`` with every problem found: its place, what was found, what is allowed, and
    the nearest known name. A mutable attribute whose history the company gives is left to it;
    outcomes that were reported are part of ``treatments``.
    """
    settings = read_config(path, Settings, declaration_problems)
    refuse_foreign(settings.company, settings.paths, settings.tracking)
    sources = left_to_history(settings.sources)
    if settings.paths.reported_treatments.is_file():
        sources = {"treatments": REPORTED, **sources}
    return settings.model_copy(update={"sources": sources})
