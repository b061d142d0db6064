"""Further files of the customers, joined by key."""

from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import ConfigError, ContractError
from pipelines.snapshots.snapshot import take_snapshot

CUSTOMERS = "id,joined\n7,2020-01-01\n3,2021-01-01\n5,2022-01-01\n"


def source(*joins, **attributes):
    return {
        "path": "customers.csv",
        "static": True,
        "columns": {"customer_id": "id", "joined_on": "joined"},
        "attributes": attributes,
        "joins": [{"path": path, "key": "nr", **more} for path, more in joins],
    }


USED = {"column": "kwh", "type": "number"}
PLAN = {"column": "plan", "type": "category"}


@pytest.fixture
def take(company, tmp_path):
    def run(files, customers):
        settings = company({"customers.csv": CUSTOMERS, **files}, {"customers": customers})
        return take_snapshot(settings, tmp_path / "snapshot")

    return run


def test_columns_of_further_files_come_by_key_and_are_null_where_it_is_not(take, tmp_path):
    files = {"use.csv": "nr;kwh;id\n5;10.5;x\n7;20;y\n9;1;z\n"}
    (tmp_path / "data").mkdir(exist_ok=True)
    pq.write_table(pa.table({"nr": [3, 7], "plan": ["a", "b"]}), tmp_path / "data" / "p.parquet")
    customers = source(("use.csv", {"delimiter": ";"}), ("p.parquet", {}), used=USED, plan=PLAN)
    snapshot = take(files, customers)
    found = duckdb.execute(
        f"select customer_id, joined_on, attr_used, attr_plan from "
        f"'{snapshot.path('customers', 0)}' order by 1"
    ).fetchall()
    assert found == [
        ("3", date(2021, 1, 1), None, "a"),
        ("5", date(2022, 1, 1), 10.5, None),
        ("7", date(2020, 1, 1), 20.0, "b"),
    ]
    assert sum("use.csv" in name or "p.parquet" in name for name in snapshot.inputs) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("nr,kwh\n7,1\n7,2\n", "2 rows have 1 different nr; a file that is joined has one row"),
        ("nr,kwh\n8,1\n", "no nr is a id of"),
        ("nummer,kwh\n7,1\n", "the key 'nr' of a join is not there"),
        ("nr,kwh\n7,1\n5\n", "use.csv, line 3: 1 fields"),
        ("nr,kwh\n", "use.csv: only a header"),
    ],
)
def test_a_file_that_cannot_be_joined_is_named(take, content, said):
    with pytest.raises(ContractError, match=said):
        take({"use.csv": content}, source(("use.csv", {}), used=USED))


def test_an_unknown_key_of_a_join_is_named(take):
    with pytest.raises(ConfigError, match=r"joins\.0\.kee: unknown key; .*did you mean 'key'"):
        take({}, source(("use.csv", {"kee": "nr"})))


def test_a_change_of_a_further_file_is_a_change_of_the_inputs(take):
    customers = source(("use.csv", {}), used=USED)
    first = take({"use.csv": "nr,kwh\n7,1\n"}, customers)
    assert take({"use.csv": "nr,kwh\n7,1\n"}, customers).digest == first.digest
    assert take({"use.csv": "nr,kwh\n7,2\n"}, customers).digest != first.digest


@pytest.mark.fault(37)
@pytest.mark.parametrize("path", ["/etc/passwd", "../x.csv"])
def test_a_join_stays_under_the_data_folder(take, path):
    with pytest.raises(ConfigError, match="a path stays under"):
        take({}, source((path, {})))
