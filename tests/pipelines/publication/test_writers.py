"""Every profile of a list: what each program reads back is what the list said, in every file."""

import csv
import math
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import duckdb
import frictionless
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stamps import STAMP
from unescaping import unescape

from features.contract import OUTCOMES
from features.errors import ConfigError
from models.competing_risks.model import OTHER
from pipelines.config.lists import RiskList
from pipelines.config.text_files import load_titles
from pipelines.lists.causes import CAUSE_FIELDS
from pipelines.lists.changes import CHANGE_FIELDS
from pipelines.lists.inbound import INBOUND_FIELDS
from pipelines.lists.list_columns import FIELDS
from pipelines.lists.night_lists import outcome_fields
from pipelines.publication.manifest import Field, manifest_bytes
from pipelines.publication.writers import write_list

TITLES = Path(__file__).parents[3] / "configs" / "titles"
LANGUAGES = ("en", "nb", "sv")
COLUMNS = (
    Field("customer_id", "text", "Key.", required=True),
    Field("said", "text", "Words."),
    Field("risk", "decimal", "Risk."),
    Field("worth", "amount", "Value."),
    Field("rank", "integer", "Rank."),
    Field("on", "date", "Day."),
    Field("may", "boolean", "Allowed."),
)
HEADERS = ("Kunde", "said", "risk", "worth", "rank", "on", "may")
ALL = RiskList(languages=("nb",), profiles=("crm", "excel-nb", "xlsx"))
# What XML cannot hold at all is left out: lone surrogates and the two noncharacters.
WORDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=12,
) | st.lists(
    st.sampled_from([*"=+-@\t\r\n＝'\";, a0", "_x0041_", "https://a.b"]), min_size=1, max_size=8
).map("".join)
ROWS = st.lists(
    st.tuples(
        st.none() | WORDS,
        st.none() | st.integers(0, 10**6).map(lambda n: n / 1e6),
        st.none() | st.integers(-(10**9), 10**9).map(lambda n: n / 100),
        st.none() | st.integers(0, 10**9),
        st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1)),
        st.none() | st.booleans(),
    ),
    min_size=1,
    max_size=8,
)
Row = tuple[str | None, float | None, float | None, int | None, date | None, bool | None]


def frame_of(rows: list[Row]) -> pd.DataFrame:
    said, risk, worth, rank, on, may = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "customer_id": pd.Series([f"{n:05}" for n in range(len(rows))], dtype="str"),
            "said": pd.Series(said, dtype="str"),
            "risk": pd.Series(risk, dtype="float64"),
            "worth": pd.Series(worth, dtype="float64"),
            "rank": pd.Series(rank, dtype="Int64"),
            "on": pd.to_datetime(pd.Series(on)),
            "may": pd.Series(may, dtype="boolean"),
        }
    )


def plain(said: str | None) -> str | None:
    return None if said is None else unescape(pd.Series([said], dtype="str"))[0]


def from_excel_text(cells: list[str]) -> Row:
    said, risk, worth, rank, on, may = (cell or None for cell in cells)
    number = [None if x is None else float(x.replace(",", ".")) for x in (risk, worth)]
    return (
        plain(said),
        *number,
        None if rank is None else int(rank),
        None if on is None else date.fromisoformat(on),
        None if may is None else {"true": True, "false": False}[may],
    )


def by_csv(folder: Path) -> list[Row]:
    with (folder / "list.excel.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file, delimiter=";")
    assert tuple(header) == HEADERS
    return [from_excel_text(cells) for _, *cells in rows]


def by_pandas(folder: Path) -> list[Row]:
    frame = pd.read_csv(
        folder / "list.excel.csv",
        **{"sep": ";", "decimal": ",", "encoding": "utf-8-sig", "keep_default_na": False},
        dtype=str,
        lineterminator=None,
    )
    assert tuple(frame.columns) == HEADERS
    return [from_excel_text(list(row)[1:]) for row in frame.itertuples(index=False)]


def by_duckdb(folder: Path) -> list[Row]:
    kinds = ("VARCHAR", "VARCHAR", "DOUBLE", "DOUBLE", "BIGINT", "DATE", "BOOLEAN")
    found = duckdb.sql(
        f"from read_csv('{folder / 'list.csv'}', header=true, delim=',', quote='\"', escape='\"', "
        f"new_line='\\n', auto_detect=false, columns={dict(zip(HEADERS, kinds, strict=True))})"
    ).fetchall()
    return [(plain(said), *rest) for _, said, *rest in found]


def unescaped(text: str | None) -> str | None:
    """What Excel shows: a control character is stored as its code (ECMA-376, ST_Xstring)."""
    if text is None:
        return None
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


def by_openpyxl(folder: Path) -> list[Row]:
    sheet = openpyxl.load_workbook(folder / "list.xlsx")["Stille"]
    header, *rows = sheet.iter_rows()
    assert tuple(cell.value for cell in header) == HEADERS
    assert sheet.freeze_panes == "A2"
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" or cell.hyperlink for cell in cells)
    assert {row[0].data_type for row in rows} == {"s"}
    assert [row[0].value for row in rows] == [f"{n:05}" for n in range(len(rows))]
    values = [[cell.value for cell in row[1:]] for row in rows]
    return [
        (plain(unescaped(said)), risk, worth, rank, on.date() if on else None, may)
        for said, risk, worth, rank, on, may in values
    ]


def by_arrow(folder: Path) -> list[Row]:
    rows = duckdb.sql(f"from '{folder / 'list.parquet'}'").fetchall()
    return [row[1:] for row in rows]


def same(left: Row, right: Row) -> bool:
    pairs = zip(left, right, strict=True)
    return all(
        math.isclose(a, b, abs_tol=1e-9) if isinstance(a, float) and b is not None else a == b
        for a, b in pairs
    )


@pytest.mark.promise("spreadsheet")
@pytest.mark.parametrize("read", [by_csv, by_pandas, by_duckdb, by_openpyxl, by_arrow])
@settings(max_examples=25)
@given(rows=ROWS)
def test_every_program_reads_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, read, rows: list[Row]
):
    folder = tmp_path_factory.getbasetemp()
    write_list(frame_of(rows), COLUMNS, folder, "list", ALL, "nb")
    found = read(folder)
    assert len(found) == len(rows)
    for left, right in zip(rows, found, strict=True):
        assert same(left, right), (left, right)


SAMPLE: list[Row] = [
    ("Ringte 3 ganger; «sint»", 0.25, 1234.5, 1, date(2024, 2, 29), True),
    ("=1+1", 0.000001, -0.01, 2, None, False),
    (None, None, None, None, None, None),
]


def test_the_excel_file_is_what_a_norwegian_excel_opens(tmp_path: Path):
    write_list(frame_of(SAMPLE), COLUMNS, tmp_path, "list", ALL, "nb")
    assert (tmp_path / "list.excel.csv").read_bytes() == (
        "\ufeffKunde;said;risk;worth;rank;on;may\r\n"
        '00000;"Ringte 3 ganger; «sint»";0,250000;1234,50;1;2024-02-29;true\r\n'
        "00001;'=1+1;0,000001;-0,01;2;;false\r\n"
        "00002;;;;;;\r\n"
    ).encode()


def test_the_same_rows_give_the_same_workbook(tmp_path: Path):
    for name in ("a", "b"):
        write_list(frame_of(SAMPLE), COLUMNS, tmp_path, name, RiskList(profiles=("xlsx",)), "en")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    assert not (tmp_path / "a.csv").exists()


def test_a_long_list_is_split_and_nobody_is_lost_or_repeated(tmp_path: Path):
    frame = frame_of([SAMPLE[0]] * 7)
    options = ALL.model_copy(update={"rows_per_file": 3})
    written = write_list(frame, COLUMNS, tmp_path, "list", options, "nb")
    parts = ["list", "list.part-02", "list.part-03"]
    endings = (".csv", ".excel.csv", ".xlsx")
    assert set(written) == {f"{p}{e}" for p in parts for e in endings} | {"list.parquet"}
    assert set(written) == {path.name for path in tmp_path.iterdir()}
    read = [pd.read_csv(tmp_path / f"{part}.csv", dtype=str) for part in parts]
    assert [len(part) for part in read] == [3, 3, 1]
    pd.testing.assert_series_equal(pd.concat(read)["customer_id"], frame["customer_id"], **INDEX)
    books = [pd.read_excel(tmp_path / f"{part}.xlsx", dtype=str) for part in parts]
    assert pd.concat(books)["Kunde"].tolist() == frame["customer_id"].tolist()
    assert len(pd.read_parquet(tmp_path / "list.parquet")) == 7


INDEX = {"check_index": False}


def test_frictionless_accepts_the_package_and_sees_what_was_changed(tmp_path: Path):
    written = write_list(frame_of(SAMPLE), COLUMNS, tmp_path, "list", ALL, "nb")
    package = tmp_path / "datapackage.json"
    package.write_bytes(manifest_bytes(tmp_path, STAMP, written))
    files = {"list.csv", "list.excel.csv", "list.xlsx", "list.parquet"}

    def errors() -> dict[str, list[str]]:
        loaded = frictionless.Package(str(package))
        reports = {resource.path: resource.validate() for resource in loaded.resources}
        return {
            path: [error for (error,) in report.flatten(["type"])]
            for path, report in reports.items()
        }

    assert errors() == {path: [] for path in files}
    with (tmp_path / "list.excel.csv").open("a", encoding="utf-8", newline="") as file:
        file.write("00003;;ikke et tall;;;;\r\n")
    assert "type-error" in errors()["list.excel.csv"]
    assert "hash-count" in errors()["list.excel.csv"]
    written = (tmp_path / "list.parquet").read_bytes()
    (tmp_path / "list.parquet").write_bytes(written.replace(b"PAR1", b"PAR2"))
    assert "hash-count" in errors()["list.parquet"]


@pytest.mark.proof
def test_libre_office_reads_the_same_rows_from_each_file(tmp_path: Path):
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed: apt-get install libreoffice-calc")
    write_list(frame_of(SAMPLE), COLUMNS, tmp_path, "list", ALL, "nb")
    told = "44,34,76,1,,0,false,true,false"
    for file, reader in (
        ("list.xlsx", None),
        ("list.csv", "44,34,76,1,1/2/2/2"),
        ("list.excel.csv", "59,34,76,1,1/2/2/2"),
    ):
        out = tmp_path / file.replace(".", "-")
        command = [office, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile"]
        command += [f"--infilter=CSV:{reader}"] if reader else []
        command += ["--convert-to", f"csv:Text - txt - csv (StarCalc):{told}", "--outdir", str(out)]
        subprocess.run([*command, str(tmp_path / file)], check=True, capture_output=True)
        (made,) = out.iterdir()
        with made.open(encoding="utf-8", newline="") as found:
            _, *rows = csv.reader(found)
        assert [row[0] for row in rows] == ["00000", "00001", "00002"], file
        assert [plain(row[1] or None) for row in rows] == [row[0] for row in SAMPLE], file


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_of_every_list_has_a_title(language: str):
    titles = load_titles(TITLES / f"{language}.yaml")
    lists = (
        *FIELDS,
        *INBOUND_FIELDS,
        *CHANGE_FIELDS,
        *CAUSE_FIELDS,
        *outcome_fields((*OUTCOMES, OTHER)),
    )
    assert {field.name for field in lists} == set(titles)


def test_titles_that_cannot_be_told_apart_are_refused(tmp_path: Path):
    for text, problem in (
        ("a: Kunde\nb: Kunde\n", "same title"),
        ("- a\n", "must map"),
        ("a: 1\n", "must map"),
        ("a: [\n", "not a file of the titles: .* not plain YAML"),
    ):
        (tmp_path / "nb.yaml").write_text(text)
        with pytest.raises(ConfigError, match=problem):
            load_titles(tmp_path / "nb.yaml")


def test_a_profile_in_a_language_without_a_list_is_refused():
    assert RiskList(languages=("en", "nb"), profiles=("crm", "excel-nb")).profiles
    with pytest.raises(ValueError, match="excel-sv needs 'sv' among languages"):
        RiskList(languages=("en", "nb"), profiles=("excel-sv",))
