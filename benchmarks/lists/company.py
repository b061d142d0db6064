"""A simulated company, a model that knows nothing of the judged months, and their scores.

What takes minutes is kept below ``var/bench/lists``: each company and one file of scores.
"""

from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import companies
from benchmarks.lists.truth import read_key, responses
from features.timeline import month_starts
from models.churn.fit import fit
from models.dataset.array_types import Floats, Index
from models.dataset.examples import ASLEEP
from models.dataset.feature_spec import FeatureSpec
from models.metrics.profit import Contacts, Economics
from pipelines.config.economics import contacts_of
from pipelines.config.settings import Settings
from pipelines.config.text_files import ACTIONS
from pipelines.lists.actions import load_actions, suggest
from pipelines.lists.list_columns import REASONS
from pipelines.matrices.files import KEYS, read_matrix
from pipelines.scoring.scores import causes_of, evenly_spread, score_rows
from pipelines.training.evaluation import recipe_of

FOLDER = companies.FOLDER / "lists"
CUSTOMERS, MONTHS, SEED = 8_000, 34, 11
MORE_SEEDS = (12, 13)
KNOWN_BEFORE, LAST, TODAY = date(2024, 1, 1), date(2024, 7, 1), date(2024, 11, 1)
EXPLAINED = 2_000
CUSTOMER, PROBABILITY = "customer_id", "churn_probability"


@dataclass(frozen=True)
class Company:
    """The company of a seed: a row per customer and month, parallel in all of its tables."""

    seed: int = SEED
    root: Path = FOLDER

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return self.root if self.seed == SEED else self.root / f"seed-{self.seed}"

    @property
    def key(self) -> Path:
        """The folder of its answer key."""
        return self.settings.paths.data / "truth"

    @cached_property
    def settings(self) -> Settings:
        """The demo's configuration on it, simulated; outcomes by horizon are not needed here."""

        def change(document: companies.Document) -> None:
            document["label"].pop("horizons")
            document["training"]["seeds"] = 1
            document["list"]["explained_rows"] = EXPLAINED

        settings = companies.demo_settings(self.folder, change)
        return companies.simulated(settings, customers=CUSTOMERS, months=MONTHS, seed=self.seed)

    @property
    def days(self) -> int:
        """Lead and horizon together."""
        return self.settings.label.lead_days + self.settings.label.horizon_days

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Rows of every month from ``KNOWN_BEFORE`` to ``LAST``: what a night would know.

        Columns of ``score_rows`` and of ``suggest``; the model has learned from what was known
        before ``KNOWN_BEFORE`` only.
        """
        path = self.folder / "scores.parquet"
        if not path.is_file():
            self._scored().to_parquet(path)
        return pd.read_parquet(path)

    @property
    def spec(self) -> FeatureSpec:
        """The inputs of the model that gave the scores, which are columns of them."""
        return FeatureSpec.from_json((self.folder / "spec.json").read_bytes())

    @property
    def causes(self) -> pd.DataFrame:
        """Worth of removing each cause on ``LAST``, by the model: columns of ``Removal``."""
        return pd.read_parquet(self.folder / "causes.parquet")

    @cached_property
    def truth(self) -> pd.DataFrame:
        """Columns of ``responses``."""
        return responses(read_key(self.key), self.scores, self.days)

    @property
    def alone(self) -> Floats:
        """True chances of leaving without a contact."""
        return self.truth["alone"].to_numpy(dtype=np.float64)

    @cached_property
    def contacts(self) -> Contacts:
        """Contacts with everybody at the low multiple, all of them awake."""
        p = self.scores[PROBABILITY].to_numpy(dtype=np.float64)
        contacts = contacts_of(self.settings, self.scores.assign(**{ASLEEP: False}), p, LAST)
        if contacts is None:
            raise SystemExit("the demo's configuration has no economics")
        return contacts[0]

    @property
    def economics(self) -> Economics:
        """What contacts cost and bring."""
        return self.contacts.economics

    @property
    def value(self) -> Floats:
        """Each customer's value."""
        return self.contacts.value

    @cached_property
    def rows(self) -> list[Index]:
        """The positions of each night."""
        return by_night(self.scores)

    def _scored(self) -> pd.DataFrame:
        settings, company = self.settings, companies.Company(self.settings, TODAY)
        examples = company.examples(KNOWN_BEFORE)
        model = fit(examples, recipe_of(settings, len(examples)))[0]
        (self.folder / "spec.json").write_text(model.spec.to_json(), encoding="utf-8")
        rules, names = load_actions(ACTIONS), [each.name for each in company.catalog.features]
        parts = company.matrix(month_starts(KNOWN_BEFORE, LAST), names, labelled=False)
        nights = []
        for night in parts.values():
            rows = score_rows(settings, model, read_matrix(night, [*KEYS, *names]))
            nights.append(rows.join(suggest(rows, rules, REASONS)))
        sample = rows.iloc[evenly_spread(len(rows))]
        found = causes_of(settings, model, company.catalog, rows, sample, LAST)
        pd.DataFrame([asdict(each) for each in found]).to_parquet(self.folder / "causes.parquet")
        return pd.concat(nights, ignore_index=True)


def by_night(rows: pd.DataFrame) -> list[Index]:
    """The positions of the rows of each as-of date, in order."""
    return [np.flatnonzero(rows["as_of"].eq(day)) for day in sorted(rows["as_of"].unique())]


def part(frame: pd.DataFrame, rows: Index) -> pd.DataFrame:
    """The rows at these positions, numbered anew."""
    return frame.iloc[rows].reset_index(drop=True)
