"""``stille features`` lists what the company's tables can carry, column by column."""

from datetime import date

from pipelines.config.run import Run
from pipelines.jobs.check import feature_dictionary
from pipelines.jobs.read_tables import read_tables
from pipelines.runtime.run_record import RunRecord


def test_features_of_columns_that_the_tables_lack_are_not_listed(company, tmp_path):
    files = {"c.csv": "contact_id,customer_id,started_at\nk,1,2024-01-01 10:00:00\n"}
    settings = company(files, {"contacts": {"path": "c.csv"}})
    config = tmp_path / "config.yaml"
    listed = {row["feature"] for row in feature_dictionary(config)}
    assert {"contacts_30d", "abandoned_30d"} <= listed
    read_tables(Run(settings, date(2024, 2, 1), RunRecord("x", "check", "")))
    listed = {row["feature"] for row in feature_dictionary(config)}
    assert "contacts_30d" in listed
    assert "abandoned_30d" not in listed
