"""``stille features`` lists what the company's tables can carry, column by column."""

from datetime import date

import pytest

from features.errors import ConfigError
from pipelines.config.run import Run
from pipelines.jobs.check import configured_catalog
from pipelines.jobs.read_tables import read_tables
from pipelines.matrices.build import MatrixJob, catalog_of, make_matrix
from pipelines.matrices.files import KEYS
from pipelines.runtime.run_record import RunRecord

_AS_OF = date(2024, 2, 1)
_TABLES = {
    "customers.csv": "customer_id\n1\n2\n",
    "contacts.csv": "contact_id,customer_id,started_at,direction\nk,1,2024-01-01 10:00:00,\n",
    "cases.csv": "case_id,customer_id,opened_at,closed_at\nk,1,2024-01-01 10:00:00,\n",
}


def _company(company, **cases):
    sources = {
        "contacts": {"path": "contacts.csv"},
        "cases": {"path": "cases.csv", "columns": cases},
    }
    return company(_TABLES, sources)


def _listed(tmp_path):
    catalog = configured_catalog(tmp_path / "config.yaml")
    return {feature.name for feature in catalog.model_features}, catalog.omitted


def test_the_list_is_the_columns_of_the_matrix_that_is_built(company, tmp_path):
    settings = _company(company)
    listed, omitted = _listed(tmp_path)
    run = Run(settings, _AS_OF, RunRecord("x", "check", ""))
    snapshot = read_tables(run)
    catalog = catalog_of(settings.sources, snapshot)
    names = [feature.name for feature in catalog.model_features]
    frame = make_matrix(run, snapshot, MatrixJob(catalog, (_AS_OF,)), names)
    assert listed == set(frame.columns) - set(KEYS)
    assert {"contacts_30d", "days_since_contact"} <= listed
    assert omitted["tenure_days"] == ("customers.joined_on",)
    assert omitted["wait_max_90d"] == ("contacts.wait_seconds",)
    assert omitted["open_cases"] == ("cases.reopened_at", "cases.reclosed_at")


def test_a_new_column_is_seen_before_the_tables_are_read_again(company, tmp_path):
    settings = _company(company)
    read_tables(Run(settings, _AS_OF, RunRecord("x", "check", "")))
    assert "wait_max_90d" not in _listed(tmp_path)[0]
    with_wait = "contact_id,customer_id,started_at,direction,wait_seconds\n"
    (settings.paths.data / "contacts.csv").write_text(with_wait, encoding="utf-8")
    assert "wait_max_90d" in _listed(tmp_path)[0]


def test_what_never_happens_is_declared_with_a_null(company, tmp_path):
    """A company that reopens no case says so: then open is open, and closed is closed."""
    settings = _company(company, reopened_at={"value": None}, reclosed_at={"value": None})
    assert "open_cases" in _listed(tmp_path)[0]
    run = Run(settings, _AS_OF, RunRecord("x", "check", ""))
    snapshot = read_tables(run)
    job = MatrixJob(catalog_of(settings.sources, snapshot), (_AS_OF,))
    frame = make_matrix(run, snapshot, job, ["open_cases"])
    assert frame.set_index("customer_id")["open_cases"].to_dict() == {"1": 1.0, "2": 0.0}
    with pytest.raises(ConfigError, match=r"cases\.columns\.opened_at.*no row may be without it"):
        _company(company, opened_at={"value": None})
