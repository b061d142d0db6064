"""Answer to a subject access request, in plain words (GDPR article 15), from configs/letters/.

It has this customer's own data only: what others in the household did is in no sentence. The
article asks how long the data are kept and who receives them. Where the company has not entered
that, the answer says so: a guess would be worse than none. Counterfactuals are of drivers that an
action is for, as a customer cannot change who they are.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from jinja2 import StrictUndefined, TemplateSyntaxError, meta
from jinja2.sandbox import SandboxedEnvironment
from pydantic import field_validator

from features.contract import TABLES
from models.explain.shap_values import by_driver
from pipelines.config.sections import Section
from pipelines.config.text_files import Names, load_checked, text_file
from pipelines.explanation.answers import Explanation, explain_customer
from pipelines.explanation.case import TableUse
from pipelines.lists.actions import can_be_reasons, load_actions
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of
from pipelines.matrices.files import scratch
from pipelines.runtime.duckdb_connection import connect, identifier, literals
from pipelines.scoring.scores import ATTRIBUTE, attribute_name, attribute_text

_JINJA = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
FACTS = frozenset(
    {"company", "day", "used", "attributes", "percent", "average", "start", "end", "band"}
    | {"raising", "lowering", "changes", "months", "recipients"}
)
"""What a letter is filled with; each tells all of it."""


class Letter(Section):
    """The ``letter`` of one language, a template; names of ``tables`` and ``changes`` by code."""

    letter: str
    tables: Mapping[str, str]
    changes: Mapping[str, str]

    @field_validator("letter")
    @classmethod
    def _complete(cls, text: str) -> str:
        try:
            told = meta.find_undeclared_variables(_JINJA.parse(text))
        except TemplateSyntaxError as error:
            raise ValueError(f"line {error.lineno} of the letter: {error.message}") from error
        if wrong := told ^ FACTS:
            raise ValueError(f"the letter lacks, or does not know: {', '.join(sorted(wrong))}")
        return text

    def fill(self, **facts: Any) -> str:
        return _JINJA.from_string(self.letter).render(facts)


def load_letter(path: Path) -> Letter:
    """Read ``<language>.yaml``; raises ``ConfigError`` when it is not a letter's texts."""
    return load_checked(path, Letter, "a letter's texts")


def letter_to(
    config: Path, customer: str, as_of: date | None = None, language: str | None = None
) -> str:
    """The answer to the customer's own request, a heading to each part.

    A customer without a first day is no entry among the tables: only the attributes are known of
    them. Raises as ``explain_customer`` does.
    """
    found = explain_customer(config, customer, as_of, language)
    settings, case, words = found.settings, found.case, found.words
    letter = load_letter(text_file("letters", words.language))
    names = load_checked(text_file("names", words.language), Names, "the names")
    window = settings.label_window()
    listed = case.publication.folder / "risk_list.parquet"
    risks = pq.read_table(listed, columns=["churn_probability"]).column(0)
    day = partial(words.word, kind="date", form="date")
    percent = partial(words.word, kind="ratio", form="percent")

    def entry(used: TableUse) -> dict[str, Any]:
        """Of a table that is made from others' rows its name alone."""
        said: dict[str, Any] = dict.fromkeys(("count", "first", "last"))
        if not TABLES[used.table].derived:
            said["count"] = words.word(used.rows, "count", "count")
            said["first"] = used.first and day(used.first)
            said["last"] = used.last and day(used.last)
        return {"table": letter.tables[used.table], **said}

    attributes = {
        attribute_name(key, attribute): attribute_text(found.row[column], attribute)[0]
        for key, attribute in settings.sources["customers"].attributes.items()
        if (column := ATTRIBUTE + key) in case.model.spec.names
    }
    return letter.fill(
        company=settings.company.name,
        day=day(case.as_of),
        used=[entry(each) for each in found.used if each.table != "customers" or each.first],
        attributes=[(name, value) for name, value in attributes.items() if value],
        percent=percent(found.probability),
        average=percent(pc.mean(risks).as_py()),
        start=day(window.start(case.as_of)),
        end=day(window.end(case.as_of) - timedelta(days=1)),
        band=names.bands[case.listed["risk_band"]],
        raising=[each.text for each in found.sentences if each.slot != "protective_1"],
        lowering=[each.text for each in found.sentences if each.slot == "protective_1"],
        changes=[(letter.changes[driver], percent(then)) for driver, then in outlook(found)],
        months=settings.privacy.kept_months,
        recipients=settings.privacy.recipients,
    )


MOST = 3
_LEAST = 0.005
_SETTLED = {"complaint": "open_complaint"}
"""Drivers of which only what is still open can be settled: the start of its features' names."""


def outlook(explanation: Explanation) -> list[tuple[str, float]]:
    """Up to three drivers that can be acted on and whose change lowers the risk most.

    Each with what the probability would be if it were as with most customers, computed alone: its
    features take the median of the night's cohort, or are unknown where they are for most. A change
    below half a percentage point is left out.
    """
    features = _features(explanation)
    usual = _medians(explanation, [name for names in features.values() for name in names])
    row, model = explanation.row, explanation.case.model
    changes = [
        (driver, model.probability_with(row, {name: usual[name] for name in names}))
        for driver, names in features.items()
    ]
    lower = [change for change in changes if explanation.probability - change[1] >= _LEAST]
    return sorted(lower, key=lambda change: change[::-1])[:MOST]


def _features(explanation: Explanation) -> dict[str, list[str]]:
    """The numbers of each driver that is a reason and that an action is for."""
    model, row = explanation.case.model, explanation.row
    lines = row["product_line"].to_numpy(dtype=object)
    raised = by_driver(model.contributions(model.spec.encode(row), lines), model.spec).iloc[0]
    raises, _ = can_be_reasons(explanation.templates, load_actions(), {}, row)
    return {
        driver: [
            column.name
            for column in model.spec.columns
            if column.driver == driver
            and column.kind == "number"
            and column.name.startswith(_SETTLED.get(driver, ""))
        ]
        for driver in raised.index[raised > 0]
        if raises[driver][0] > 1
    }


def _medians(explanation: Explanation, names: list[str]) -> Mapping[str, float]:
    """Each feature's median over the cohort, NaN where most have none."""
    case, settings = explanation.case, explanation.settings
    if not names:
        return {}
    catalog = catalog_of(settings.sources, case.snapshot)
    usual = ", ".join(
        f"case when 2 * count({column}) > count(*) then median({column}) end as {column}"
        for column in map(identifier, names)
    )
    with scratch(settings.paths.scratch, f"explain-{token_hex(8)}") as folder:
        job = MatrixJob(catalog, (case.as_of,))
        parts = build_matrix(settings, case.snapshot, job, folder, lambda: None)
        with connect(settings.engine, settings.paths.spill) as con:
            source = literals(part.features for part in parts)
            medians = con.sql(f"select {usual} from read_parquet([{source}])").df()
    return {str(n): median for n, median in medians.astype("float64").iloc[0].items()}
