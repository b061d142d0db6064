"""Counterfactuals: the score if one driver at a time were as with most customers.

Only drivers that an action is for, as a customer cannot change who they are.
"""

from collections.abc import Mapping
from secrets import token_hex

from models.explain.shap_values import by_driver
from pipelines.config.text_files import ACTIONS
from pipelines.explanation.answers import Explanation
from pipelines.lists.actions import can_be_reasons, load_actions
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of
from pipelines.matrices.files import scratch
from pipelines.runtime.duckdb_connection import connect, identifier, literals

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
    raises, _ = can_be_reasons(explanation.templates, load_actions(ACTIONS), {}, row)
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
