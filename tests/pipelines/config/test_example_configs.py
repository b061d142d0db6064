import csv
import json

import duckdb
import jsonschema
import pyarrow.parquet as pq
import pytest
import yaml

from benchmarks.contract_pages import contract_page
from pipelines.cli.schemas import config_schema, table_schema
from pipelines.config.settings import load_settings
from pipelines.snapshots.snapshot import take_snapshot

EXAMPLES = ("cell2cell", "powerco", "telco", "trupanion")
UNLABELLED = ("bank", "cable")


def shipped(root):
    return [root / "configs" / "demo.yaml", *sorted((root / "configs" / "examples").glob("*.yaml"))]


def test_every_shipped_config_loads_and_fits_the_published_schema(root):
    assert {path.stem for path in shipped(root)} == {"demo", *EXAMPLES, *UNLABELLED}
    for path in shipped(root):
        load_settings(path)
        document = json.loads(json.dumps(yaml.safe_load(path.read_text("utf-8")), default=str))
        jsonschema.validate(document, config_schema())


def test_the_schema_refuses_what_the_loader_refuses():
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"company": {"nme": "A"}}, config_schema())


def test_table_schemas_accept_a_good_row_and_refuse_a_bad_one():
    row = {"survey_id": "1", "customer_id": "a", "kind": "csat", "score": 4.0}
    row["answered_at"] = "2026-01-01T10:00:00"
    jsonschema.validate(row, table_schema("surveys"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**row, "kind": "nps"}, table_schema("surveys"))


def test_the_committed_contract_page_is_current(root):
    committed = (root / "docs" / "data-contract.md").read_text("utf-8")
    assert committed == contract_page(committed), "run: python -m benchmarks.contract_pages"


def columns_of(path):
    if path.suffix == ".parquet":
        return set(pq.read_schema(path).names)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return set(next(csv.reader(file)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_source_column_is_mapped_or_dropped_with_a_reason(root, example_data, name):
    settings = load_settings(root / "configs" / "examples" / f"{name}.yaml")
    accounted = {}
    for source in settings.sources.values():
        assert all(source.dropped.values())
        used = accounted.setdefault(source.path, set())
        used |= {o.column for o in source.columns.values() if o.column is not None}
        used |= {a.column for a in source.attributes.values()}
        used |= {*source.rows_with, *source.dropped}
    for path, used in accounted.items():
        assert used == columns_of(example_data / path)


@pytest.mark.parametrize(
    ("name", "rows", "quarantined"),
    [
        (
            "trupanion",
            {"customers": 100_000, "contracts": 100_000, "terminations": 13_219, "claims": 141_165},
            {"claims": {"claimed: below minimum": 1, "key: repeated": 3_744}},
        ),
        (
            "powerco",
            {
                "customers": 14_606,
                "contracts": 14_606,
                "labels": 14_606,
                "price_changes": 33_291,
            },
            {"price_changes": {"customer_id: not in customers": 17_853}},
        ),
        ("cell2cell", {"customers": 51_047, "labels": 51_047}, {}),
        ("telco", {"customers": 7_043, "labels": 7_043}, {}),
    ],
)
def test_the_public_sets_become_snapshots(root, example_data, tmp_path, name, rows, quarantined):
    settings = load_settings(root / "configs" / "examples" / f"{name}.yaml")
    snapshot = take_snapshot(settings, tmp_path / "snapshot")
    assert {table: facts.rows for table, facts in snapshot.tables.items()} == rows
    found = {t: dict(f.quarantined) for t, f in snapshot.tables.items() if f.quarantined}
    assert found == quarantined
    assert not any(facts.unread for facts in snapshot.tables.values())
    if "labels" in rows:
        files = str(snapshot.root / "labels" / "*" / "*.parquet")
        share = duckdb.execute(f"select avg(churned::int) from '{files}'").fetchall()[0][0]
        published = {"powerco": 0.0972, "cell2cell": 0.288, "telco": 0.265}[name]
        assert share == pytest.approx(published, abs=5e-4)
