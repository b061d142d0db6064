"""What a list says reads back unchanged everywhere, and no cell is a formula."""

import csv
import io
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unescaping import unescape

from features.errors import ContractError, PublicationError
from pipelines.config.lists import RiskList
from pipelines.publication.manifest import Field
from pipelines.publication.writers import write_csv, write_list
from pipelines.runtime.escaping import escape, refuse_dangerous_ids

CONNECTION = duckdb.connect()
DANGEROUS = "=+-@\t\r\n\x00＝＋－＠"
FIELDS = (Field("customer_id", "text", "Key."), Field("said", "text", "Words."))
SAID = st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
TRICKY = st.none() | st.text(
    st.sampled_from([*DANGEROUS, "'", '"', ",", ";", " ", "a", "0", "\u2028", "\x85", "\\"]),
    min_size=1,
    max_size=8,
)


def series(*values: str | None) -> pd.Series:
    return pd.Series([*values], dtype="str")


@pytest.mark.fault(39)
@pytest.mark.parametrize("first", DANGEROUS)
def test_a_dangerous_cell_gets_an_apostrophe(first: str):
    assert escape(series(f"{first}1+1")).tolist() == [f"'{first}1+1"]
    with pytest.raises(ContractError, match="1 of 2 ids begin with a character"):
        refuse_dangerous_ids(series("00042", f"{first}42"), "risk list")


def test_other_cells_stay_as_they_are():
    harmless = ["1-1", "a=b", "'quoted'", " =1", "12 %", "−12 kr"]
    assert escape(series(*harmless)).tolist() == harmless
    refuse_dangerous_ids(series("00042", "K-7", "735999100000000001"), "risk list")


def test_an_id_s_refusal_does_not_quote_it():
    with pytest.raises(ContractError) as caught:
        refuse_dangerous_ids(series("=SECRET"), "risk list, customer_id")
    assert "SECRET" not in str(caught.value)


def test_null_stays_null():
    assert escape(series(None, "a")).isna().tolist() == [True, False]


@pytest.mark.promise("spreadsheet")
@pytest.mark.fault(39)
@settings(max_examples=100)
@given(st.lists(SAID | TRICKY, min_size=1, max_size=20))
@example(["'=1", "''=1", "'", "=1"])
def test_escaping_is_undone_exactly(texts: list[str | None]):
    cells = series(*texts)
    pd.testing.assert_series_equal(unescape(escape(cells)), cells)


def read_csv_module(path: Path) -> list[str | None]:
    with path.open(encoding="utf-8", newline="") as file:
        return [said or None for _, said in list(csv.reader(file))[1:]]


def read_pandas(path: Path) -> list[str | None]:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, lineterminator="\n")
    return [said or None for said in frame["said"]]


def read_duckdb(path: Path) -> list[str | None]:
    query = (
        f"from read_csv('{path}', header=true, delim=',', quote='\"', escape='\"', "
        "new_line='\\n', columns={'customer_id': 'VARCHAR', 'said': 'VARCHAR'})"
    )
    return [said for _, said in CONNECTION.execute(query).fetchall()]


@pytest.mark.promise("spreadsheet")
@pytest.mark.fault(39)
@settings(max_examples=60)
@given(st.lists(SAID | TRICKY, min_size=1, max_size=20))
def test_every_reader_gets_the_same_cells_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str | None]
):
    path = tmp_path_factory.getbasetemp() / "list.csv"
    ids = [f"{number:05}" for number in range(len(texts))]
    frame = pd.DataFrame({"customer_id": series(*ids), "said": series(*texts)})
    write_csv(frame, FIELDS, path)
    for read in (read_csv_module, read_pandas, read_duckdb):
        cells = read(path)
        pd.testing.assert_series_equal(unescape(series(*cells)), frame["said"], check_names=False)
        assert not any(cell.startswith(tuple(DANGEROUS)) for cell in cells if cell)


def test_the_profile_is_utf_8_without_mark_lf_and_iso(tmp_path: Path):
    fields = (
        Field("customer_id", "text", "Key."),
        Field("risk", "decimal", "Risk."),
        Field("rank", "integer", "Rank."),
        Field("share", "percentile", "Share."),
        Field("on", "date", "Day."),
        Field("said", "text", "Words."),
    )
    frame = pd.DataFrame(
        {
            "customer_id": series("007", "008"),
            "risk": [0.0000012, None],
            "rank": pd.array([1, None], dtype="Int64"),
            "share": [99.5, None],
            "on": pd.to_datetime(["2024-03-03", None]),
            "said": series('Strøm, "alt"', None),
        }
    )
    write_list(frame, fields, tmp_path, "list", RiskList(), "en")
    assert (tmp_path / "list.csv").read_bytes().decode() == (
        "customer_id,risk,rank,share,on,said\n"
        '007,0.000001,1,99.50,2024-03-03,"Strøm, ""alt"""\n'
        "008,,,,,\n"
    )
    twin = pq.read_table(tmp_path / "list.parquet")
    assert [str(kind) for kind in twin.schema.types] == [
        *("string", "double", "int64", "double", "date32[day]", "string")
    ]
    assert twin["said"].to_pylist() == ['Strøm, "alt"', None]
    assert twin["rank"].to_pylist() == [1, None]


def test_an_empty_list_has_its_header(tmp_path: Path):
    write_csv(pd.DataFrame({"customer_id": [], "said": []}, dtype="str"), FIELDS, tmp_path / "a")
    assert list(csv.reader(io.StringIO((tmp_path / "a").read_text()))) == [["customer_id", "said"]]


@pytest.mark.fault(27)
def test_a_disk_that_refuses_is_a_publication_error(tmp_path: Path):
    frame = pd.DataFrame({"customer_id": series("1"), "said": series("a")})
    with pytest.raises(PublicationError, match="write the list risk_list"):
        write_list(frame, FIELDS, tmp_path / "missing", "risk_list", RiskList(), "en")
