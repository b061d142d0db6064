"""``stille init`` on flat tables: attributes, the label, durations, with few questions."""

import gzip
import random
import sqlite3
from contextlib import closing
from datetime import date, timedelta

import duckdb
import pytest
from init_person import FIRM, TODAY, Person
from openpyxl import Workbook

from features.contract import TABLES
from features.errors import ConfigError
from pipelines.config.settings import load_settings
from pipelines.onboarding.flat import duration_unit, key_of, label_of
from pipelines.onboarding.init import initialise
from pipelines.onboarding.sampling import sample_column, sample_file, tables_within
from pipelines.snapshots.snapshot import take_snapshot

ROWS = 400


def flat(rows=ROWS, **more):
    """A header and rows: a key, a tenure, words, numbers, a label that some of them tell."""
    dice = random.Random(2)  # noqa: S311  (seeded, no secret)
    out = []
    for n in range(rows):
        gone = dice.random() < 0.3
        row = {
            "customerID": f"K{n:05}",
            "tenure": dice.randrange(72),
            "Plan": dice.choice(["Basis", "Pluss"]),
            "Kommune": dice.choice(["Ås", "Bø"]),
            "MonthlyCharges": f"{dice.randrange(100, 999)}.{dice.randrange(10)}5",
            "Signed": (date(2024, 1, 1) + timedelta(dice.randrange(500))).isoformat(),
            "ChurnReason": dice.choice(["Price", "Moved"]) if gone else "",
            "Cause": dice.choice(["Price", "Moved"]) if gone else "",
            "Health": f"{dice.randrange(50) + 100 * gone}",
            "Note": f"free text {n}",
            "Phone": f"+479{n:07}",
            "Country": "NO",
            "Churn": "Yes" if gone else "No",
        }
        out.append({**row, **{name: made(n, gone) for name, made in more.items()}})
    return out


def as_csv(rows, delimiter=","):
    lines = [delimiter.join(rows[0]), *(delimiter.join(map(str, row.values())) for row in rows)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def draft(tmp_path):
    """Draft a configuration of files and read them; the settings, the snapshot, the person."""

    def run(files, *answers, declined=()):
        folder = tmp_path / "export"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        person = Person(*declined, answers=answers)
        into = tmp_path / "c.yaml"
        into.unlink(missing_ok=True)
        settings = load_settings(initialise(folder, into, FIRM, TODAY, person.dialog()))
        paths = settings.paths.model_copy(update={"var": tmp_path / "var"})
        settings = settings.model_copy(update={"paths": paths})
        return settings, take_snapshot(settings, tmp_path / "snapshot"), person

    return run


def test_a_flat_table_becomes_customers_with_attributes_and_labels(draft, tmp_path):
    settings, snapshot, person = draft({"base.csv": as_csv(flat())}, "2025-12-01", "60")
    text = (tmp_path / "c.yaml").read_text(encoding="utf-8")
    assert person.asked == 4
    customers, labels = settings.sources["customers"], settings.sources["labels"]
    assert set(customers.attributes) == {"plan", "kommune", "monthly_charges", "signed"}
    assert customers.attributes["signed"].as_days
    assert customers.static
    assert customers.columns["joined_on"].tenure == ("months", date(2025, 12, 1))
    assert "# TO CONFIRM, joined_on: counted to that day for leavers too" in text
    assert set(customers.dropped) == {"ChurnReason", "Cause", "Health", "Note", "Country"}
    assert "Phone" not in str(settings)
    assert labels.columns["as_of"].value == "2025-12-01"
    assert (settings.label.lead_days, settings.label.horizon_days) == (0, 60)
    assert settings.training.first_as_of == settings.training.last_as_of == date(2025, 12, 1)
    assert {name: facts.rows for name, facts in snapshot.tables.items()} == {
        "customers": ROWS,
        "labels": ROWS,
    }
    said = "\n".join(person.heard)
    assert "left out: Health, says who left" in said
    assert "left out: Note, 400 different texts" in said
    assert "Churn = Yes says who left (" in said
    assert "plan ← Plan (category; " in said
    assert "K00001" not in said


def test_one_file_is_drafted_alone(tmp_path):
    path = tmp_path / "base.csv"
    path.write_text(as_csv(flat()))
    settings = load_settings(initialise(path, tmp_path / "c.yaml", FIRM, TODAY, Person().dialog()))
    assert (settings.paths.data, settings.sources["customers"].path) == (tmp_path, "base.csv")


def test_a_table_of_events_is_no_table_of_customers(draft):
    rows = [
        {"FakturaNr": n, "Kundenr": n % 9, "Utstedt_dato": "2026-01-01", "Belop": n}
        for n in range(40)
    ]
    with pytest.raises(ConfigError, match="no file was confirmed as customers"):
        draft({"fakturaer.csv": as_csv(rows)})


def test_the_day_and_the_horizon_are_asked_again_until_they_are_some(draft):
    _, _, person = draft({"base.csv": as_csv(flat())}, "1 December", "60", "2025-12-01", "60")
    assert person.asked == 6
    usual = draft({"base.csv": as_csv(flat())})[0]
    newest = max(row["Signed"] for row in flat())
    assert usual.training.first_as_of == date.fromisoformat(newest) + timedelta(1)


@pytest.mark.parametrize(
    ("words", "yes"),
    [
        (("1", "0"), {"1"}),
        (("True.", "False."), {"True."}),
        (("Churned", "Stayed"), {"Churned"}),
        (("Attrited Customer", "Existing Customer"), {"Attrited Customer"}),
    ],
)
def test_a_label_is_known_by_its_words(tmp_path, words, yes):
    path = tmp_path / "a.csv"
    path.write_text(as_csv([{"id": n, "exited": words[n % 2]} for n in range(50)]))
    assert set(label_of(sample_file(path)).yes) == yes


def test_a_label_of_other_words_is_named_by_a_person(draft):
    rows = flat(Utfall=lambda n, gone: "B" if gone else "A")
    for row in rows:
        del row["Churn"], row["ChurnReason"]
    settings, snapshot, person = draft(
        {"base.csv": as_csv(rows)}, "Utfall", "B", "2025-12-01", "30"
    )
    assert person.asked == 6
    assert snapshot.tables["labels"].rows == ROWS
    assert settings.dialect_of("labels").true_values == ("B",)
    settings, snapshot, _ = draft({"base.csv": as_csv(rows)})
    assert "labels" not in settings.sources


def test_labels_and_customers_may_be_two_tables_joined_by_a_key(draft):
    rows = flat()
    label = [{"customerID": row["customerID"], "churned": row.pop("Churn")} for row in rows]
    settings, snapshot, _ = draft({"customers.csv": as_csv(rows), "left.csv": as_csv(label)})
    assert settings.sources["labels"].path == "left.csv"
    assert "Health" in settings.sources["customers"].dropped
    assert snapshot.tables["labels"].rows == ROWS


def test_attributes_come_from_every_table_with_the_customers_key(draft):
    rows = flat()
    use = [{"nr": row["customerID"], "kWh": n, "Meter": "AB"[n % 2]} for n, row in enumerate(rows)]
    files = {"base.csv": as_csv(rows), "use.csv": as_csv(use, ";"), "other.csv": "nr,x\n1,2\n"}
    settings, snapshot, person = draft(files)
    customers = settings.sources["customers"]
    assert {"k_wh", "meter", "plan"} <= set(customers.attributes)
    assert [(join.path, join.key) for join in customers.joins] == [("use.csv", "nr")]
    assert snapshot.tables["customers"].rows == ROWS
    found = f"select count(attr_k_wh) from '{snapshot.path('customers', 0)}'"
    assert duckdb.sql(found).fetchall() == [(ROWS,)]
    said = "\n".join(person.heard)
    assert "joined with use.csv by nr" in said
    assert "use.csv: left out" not in said
    assert "other.csv: left out" in said


def test_what_is_declined_or_without_a_key_is_left_out(draft):
    settings, _, _ = draft({"base.csv": as_csv(flat())}, declined=("says who left",))
    assert list(settings.sources) == ["customers"]
    rows = [{"a": n % 3, "churn": n % 2} for n in range(50)]
    with pytest.raises(ConfigError, match="no file was confirmed as customers"):
        draft({"base.csv": as_csv(rows)}, declined=("customers?",))


@pytest.mark.parametrize("kind", ["titles", "gz", "xlsx", "sqlite", "cp1252", "decimal"])
def test_every_kind_of_file_is_drafted_and_read(draft, tmp_path, kind):
    rows = flat(100)
    text = as_csv(rows)
    content, name = text.encode(), "base.csv"
    if kind == "titles":
        content = f"Kundebase\n\n{text}".encode()
    elif kind == "gz":
        content, name = gzip.compress(content), "base.csv.gz"
    elif kind == "cp1252":
        content = as_csv(rows, ";").encode("cp1252")
    elif kind == "decimal":
        for row in rows:
            row["MonthlyCharges"] = row["MonthlyCharges"].replace(".", ",")
        content = as_csv(rows, ";").encode()
    elif kind == "xlsx":
        book, name = Workbook(), "base.xlsx"
        for row in [["Kundebase"], [], list(rows[0]), *(list(row.values()) for row in rows)]:
            book.active.append(row)
        book.save(tmp_path / name)
        content = (tmp_path / name).read_bytes()
    elif kind == "sqlite":
        name = "crm.db"
        columns = ", ".join(f'"{column}"' for column in rows[0])
        with closing(sqlite3.connect(tmp_path / name)) as database, database:
            database.execute(f"create table base ({columns})")
            marks = ", ".join("?" * len(rows[0]))
            values = [tuple(row.values()) for row in rows]
            database.executemany(f"insert into base values ({marks})", values)
        content = (tmp_path / name).read_bytes()
    settings, snapshot, _ = draft({name: content})
    assert {facts.rows for facts in snapshot.tables.values()} == {100}
    assert not any(facts.quarantined for facts in snapshot.tables.values())
    assert {"plan", "monthly_charges"} <= set(settings.sources["customers"].attributes)
    encoding = "cp1252" if kind == "cp1252" else "utf-8"
    assert settings.dialect_of("customers").encoding == encoding


def test_ascii_says_nothing_of_the_encoding(tmp_path):
    for name, text, encoding in (("a", "id", ""), ("b", "æ", "utf-8")):
        (tmp_path / f"{name}.csv").write_bytes(f"{text},x\n1,2\n".encode())
        assert sample_file(tmp_path / f"{name}.csv").encoding == encoding
    late = "id,x\n" + "1,a\n" * 200_000 + "2,æ\n"
    (tmp_path / "c.csv").write_bytes(late.encode("cp1252"))
    assert sample_file(tmp_path / "c.csv").encoding == "cp1252"


def test_files_that_cannot_be_read_are_told_and_do_not_stop_the_rest(draft):
    files = {"base.csv": as_csv(flat(50)), "bad.xlsx": b"PK no", "brev.docx": b"x"}
    person = draft(files)[2]
    said = "\n".join(person.heard)
    assert "bad.xlsx: left out; " in said
    assert "brev.docx: left out; not one of .csv" in said


@pytest.mark.parametrize(
    ("name", "values", "unit"),
    [
        ("tenure", ["0", "72"], "months"),
        ("tenure", ["0", "12"], None),
        ("tenure", ["0", "4000"], None),
        ("tenure_days", ["0", "4000"], "days"),
        ("MonthsInService", ["6", "60"], "months"),
        ("Months_on_book", ["6", "60"], "months"),
        ("num_years_antig", ["1", "13"], "years"),
        ("YearsAtCompany", ["1", "13"], "years"),
        ("kundetid_kvartal", ["1", "13"], "quarters"),
        ("YearsSinceLastPromotion", ["1", "13"], None),
        ("CurrentEquipmentDays", ["1", "300"], None),
        ("tenure", ["-1", "72"], None),
    ],
)
def test_the_unit_of_a_tenure_is_told_by_its_name_or_its_size(name, values, unit):
    assert duration_unit(name, sample_column(values), values) == unit


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        (("customerID", "ContractID"), "customerID"),
        (("AvtaleNr", "belop"), "AvtaleNr"),
        (("Phone", "account"), "account"),
        (("RowNumber", "Policy Number"), "Policy Number"),
    ],
)
def test_the_key_may_be_a_contracts_or_an_accounts(tmp_path, columns, key):
    path = tmp_path / "a.csv"
    path.write_text(as_csv([dict.fromkeys(columns, n) for n in range(30)]))
    assert key_of(sample_file(path)) == key


def test_a_day_that_may_be_a_month_is_read_as_another_column_tells(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,a,b\n1,01/02/2026,01/13/2026\n2,03/02/2026,02/14/2026\n")
    found = sample_file(path).columns
    assert (found["a"].form, found["a"].doubtful) == ("%m/%d/%Y", False)


def test_a_workbooks_sheets_are_tables_of_their_own(tmp_path):
    book = Workbook()
    book.active.append(["a"])
    assert book.active is not None
    book.create_sheet("Andre").append(["b"])
    book.save(tmp_path / "a.xlsx")
    assert tables_within(tmp_path / "a.xlsx") == ["Sheet", "Andre"]
    assert "customers" in TABLES


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "day", "attributes", "joined"),
    [
        ("telco_wa/Telco-Customer-Churn.csv", "2018-01-01", 18, ("months", date(2018, 1, 1))),
        ("powerco/client_data.parquet", "2016-02-01", 23, None),
    ],
)
def test_public_flat_tables_are_read_after_four_answers(
    example_data, tmp_path, path, day, attributes, joined
):
    person = Person(answers=(day, "30"))
    into = initialise(example_data / path, tmp_path / "c.yaml", FIRM, TODAY, person.dialog())
    settings = load_settings(into)
    assert person.asked == 4
    customers = settings.sources["customers"]
    assert len(customers.attributes) == attributes
    assert customers.columns["joined_on"].tenure == joined
    paths = settings.paths.model_copy(update={"var": tmp_path / "var"})
    snapshot = take_snapshot(settings.model_copy(update={"paths": paths}), tmp_path / "snapshot")
    assert snapshot.tables["customers"].rows == snapshot.tables["labels"].rows
    assert not any(facts.quarantined for facts in snapshot.tables.values())


def test_the_command_line_takes_the_day_of_a_flat_table(stille, tmp_path):
    (tmp_path / "base.csv").write_text(as_csv(flat(50)))
    into = tmp_path / "c.yaml"
    ended = stille("init", tmp_path / "base.csv", "--to", into, "--yes", "--as-of", "2025-11-30")
    assert ended.code == 0, ended.err
    assert load_settings(into).training.last_as_of == date(2025, 11, 30)
    assert load_settings(into).company.name == "base"
