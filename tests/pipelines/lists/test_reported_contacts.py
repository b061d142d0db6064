"""Outcomes read back: every wrong cell is named, a second reading changes nothing, none is lost."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from features.errors import ConfigError, ContractError
from pipelines.config.run import open_run
from pipelines.config.settings import load_settings
from pipelines.doctor.doctor import treated
from pipelines.erasure.forget import forget
from pipelines.jobs.entry import EFFECT, NIGHTLY, OUTCOMES
from pipelines.lists import reported_contacts
from pipelines.lists.worklists import load_worklist_texts
from pipelines.publication.manifest import MANIFEST, Stamp, manifest_bytes

DAY = date(2024, 1, 10)
NOW = datetime(2024, 1, 12, 15, tzinfo=UTC)
TITLES = "Nr.;Kunde;Kanal;Status;Kontaktet dato;Utfall;Notat"
CALLED, HELD_OUT = [f"C{n}" for n in range(300)], [f"H{n}" for n in range(300)]


@pytest.fixture
def clock(monkeypatch):
    """The instant at which files are read, which a test may move on."""
    monkeypatch.setattr(reported_contacts, "now", lambda: NOW)
    return lambda moment: monkeypatch.setattr(reported_contacts, "now", lambda: moment)


@pytest.fixture
def config(tmp_path, root, monkeypatch, clock) -> Path:
    """A company with one published list of ``DAY``, and no table of treatments of its own."""
    monkeypatch.chdir(root)
    ids = [*CALLED, *HELD_OUT, "X"]
    folder = tmp_path / "out" / str(DAY) / "nightly-1"
    folder.mkdir(parents=True)
    lanes = ["call"] * 300 + ["suppressed"] * 300 + ["fix"]
    rows = {
        "customer_id": ids,
        "lane": lanes,
        "lane_rule": [None] * 300 + ["holdout"] * 300 + [None],
        "suggested_action": ["A9"] * 600 + ["A2"],
        "arm": ["treat"] * 300 + ["holdout"] * 300 + ["treat"],
    }
    pq.write_table(pa.table(rows), folder / "risk_list.parquet")
    made = datetime(2024, 1, 10, tzinfo=UTC)
    stamp = Stamp(DAY, "nightly-1", made, "i", "c", "churn/1", "m", 90, {})
    (folder / MANIFEST).write_bytes(manifest_bytes(folder, stamp, {}))
    (tmp_path / "out" / "current").symlink_to(f"{DAY}/nightly-1")
    starts = [date(2023, 1, 1)] * len(ids)
    tables = {
        "customers": {"customer_id": ids},
        "contracts": {"contract_id": ids, "customer_id": ids, "started_on": starts}
        | {"product_line": ["electricity"] * len(ids)},
        "terminations": {"contract_id": ids[250:400], "customer_id": ids[250:400]}
        | {"notified_on": [date(2024, 2, 1)] * 150, "effective_on": [date(2024, 3, 1)] * 150}
        | {"outcome": ["voluntary"] * 150},
    }
    (tmp_path / "data").mkdir()
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), tmp_path / "data" / f"{name}.parquet")
    company = {"name": "S", "timezone": "Europe/Oslo", "currency": "NOK", "language": "nb"}
    document = {
        "company": company,
        "paths": {name: str(tmp_path / name) for name in ("data", "var", "out")},
        "sources": {
            name: {"path": f"{name}.parquet", "known_delay_days": 0, "static": True}
            for name in tables
        },
        "training": {"first_as_of": date(2023, 6, 1)},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def take(config, rows, *, day=None, dry_run=False, correct=False, name="filled.csv", head=TITLES):
    file = config.parent / name
    file.write_text("\n".join((head, *rows)), encoding="utf-8-sig")
    asked = {"list_day": day, "dry_run": dry_run, "correct": correct}
    return OUTCOMES.start(config, file=file, **asked)


def stored_contacts(config) -> pd.DataFrame:
    rows = pd.read_parquet(config.parent / "var" / "outcomes" / "treatments.parquet")
    return rows.set_index("customer_id")


def test_each_outcome_says_what_it_means_in_treatments(config):
    rows = [
        "1;C1;Telefon;Ferdig;;Takket ja;",
        "2;C2;Telefon;Ferdig;11.01.2024;Ikke svar;ring igjen",
        "3;C3;Brev;Pågår;2024-01-12;løst;",
        "4;C4;Telefon;Ny;;;",
        "5;C5;Telefon;Ferdig;;Feil person;",
        ";;;;;;",
    ]
    result = take(config, rows)
    assert (result["rows"], result["outcomes"], result["new"]) == (5, 4, 4)
    found = stored_contacts(config)
    assert set(found.index) == {"C1", "C2", "C3", "C5"}
    assert found["contacted"].to_dict() == {"C1": True, "C2": False, "C3": True, "C5": False}
    assert found["answer"].dropna().to_dict() == {"C1": "yes"}
    assert found["solved"].dropna().to_dict() == {"C3": True}
    assert found["channel"].to_dict() == {"C1": "phone", "C2": "phone", "C3": "post", "C5": "phone"}
    assert set(found["arm"]) == {"treat"}
    assert set(found["action"]) == {"A9"}
    assert set(found["published_on"]) == {DAY}
    assert found.loc["C1", "treated_at"] == pd.Timestamp("2024-01-09 23:00"), "midnight in Oslo"
    assert found.loc["C3", "treated_at"] == pd.Timestamp("2024-01-11 23:00")
    assert set(found["known_at"]) == {pd.Timestamp(NOW).tz_localize(None)}


@pytest.mark.promise("closed")
def test_every_wrong_cell_is_named_and_nothing_is_written(config):
    rows = [
        "1;C1;Telefon;Ferdig;;Snakket;",
        "2;ukjent;Telefon;Ferdig;;Løst;",
        "3;H1;Telefon;Ferdig;;Løst;",
        "4;C4;Telefon;Ferdig;2024-01-09;Løst;",
        "5;C5;Telefon;Ferdig;2024-02-01;Løst;",
        "6;C6;Telefon;Ferdig;i går;Løst;",
        "7;C7;Telefon;Ferdig;;;",
        "8;C8;Fax;Ferdig;;Løst;",
        "9;C9;Telefon;Ferdig;;Løst;",
        "10;C9;Telefon;Ferdig;;Takket nei;",
        "11;X;Telefon;Ferdig;;Løst;",
    ]
    with pytest.raises(ContractError) as refused:
        take(config, rows)
    said = str(refused.value)
    for place in (
        *("row 2, Utfall: choose one of Snakket med kunden", "row 3, Kunde: not on the lists"),
        *("row 4, Kunde: not on the lists", "row 5, Kontaktet dato: before the day"),
        *("row 6, Kontaktet dato: after the present", "row 7, Kontaktet dato: write the day"),
        *("row 8, Utfall: done, so what", "row 9, Kanal: choose one of Telefon"),
        *("row 11, Kunde: the same contact", "row 12, Kunde: not on the lists"),
    ):
        assert place in said, said
    assert "10 cells are wrong" in said
    assert "stille outcomes" in said
    assert "ukjent" not in said, "no cell is quoted"
    assert not (config.parent / "var" / "outcomes" / "treatments.parquet").exists()


@pytest.mark.promise("idempotent")
def test_a_second_reading_changes_nothing_and_a_dry_run_writes_nothing(config, clock):
    row, path = "1;C1;Telefon;Ferdig;;Løst;", config.parent / "var/outcomes/treatments.parquet"
    assert take(config, [row], dry_run=True)["new"] == 1
    assert not path.exists()
    take(config, [row])
    first = path.read_bytes()
    clock(NOW + timedelta(days=1))
    again = take(config, [row, "2;C2;Telefon;Ny;;;"], name="saved again.csv")
    assert (again["already"], again["new"], again["corrected"]) == (1, 0, 0)
    assert path.read_bytes() == first
    take(config, [row, "2;C2;Telefon;Ferdig;;Løst;"])
    assert set(stored_contacts(config).index) == {"C1", "C2"}
    assert stored_contacts(config).loc["C1", "known_at"] == pd.Timestamp(NOW).tz_localize(None)


def test_another_word_for_a_contact_needs_a_person_who_says_so(config):
    take(config, ["1;C1;Telefon;Ferdig;;Ikke svar;", "2;C2;Telefon;Ferdig;;Løst;"])
    other = ["1;C1;Telefon;Ferdig;;Takket ja;"]
    with pytest.raises(ContractError, match="row 2") as refused:
        take(config, other)
    assert "--correct" in str(refused.value)
    assert take(config, other, correct=True)["corrected"] == 1
    assert stored_contacts(config)["contacted"].to_dict() == {"C1": True, "C2": True}
    later = take(config, ["1;C1;Telefon;Ferdig;2024-01-11;Løst;"])
    assert later["new"] == 1
    assert len(stored_contacts(config)) == 3, "another day is another contact"


def test_a_file_in_any_language_and_form_is_read(config):
    swedish = "Kund,Kanal,Status,Kontaktad den,Utfall"
    take(config, ["C1,Telefon,Klar,2024-01-11,Tackade nej"], head=swedish, name="sv.csv")
    english = "Customer\tChannel\tStatus\tContacted on\tOutcome"
    take(config, ["C2\tE-mail\tDone\t10 Jan 2024\tSent"], head=english, name="en.csv")
    windows = f"{TITLES}\n1;C3;Telefon;Pågår;;Løst;".encode("cp1252")
    (config.parent / "windows.csv").write_bytes(windows)
    options = {"list_day": None, "dry_run": False, "correct": False}
    OUTCOMES.start(config, file=config.parent / "windows.csv", **options)
    book = openpyxl.Workbook()
    book.active.title = f"{DAY} Ringeliste"
    for row in (TITLES.split(";"), [4, "C4", "Telefon", "Ferdig", date(2024, 1, 12), "Løst", ""]):
        book.active.append(row)
    book.save(config.parent / "book.xlsx")
    assert OUTCOMES.start(config, file=config.parent / "book.xlsx", **options)["list"] == DAY
    found = stored_contacts(config)
    assert found["answer"].dropna().to_dict() == {"C1": "no"}
    assert not found.loc["C2", "contacted"], "sent is not yet reached"
    assert found.loc[["C3", "C4"], "solved"].all()
    assert found.loc["C4", "treated_at"] == pd.Timestamp("2024-01-11 23:00")
    options["list_day"] = date(2024, 1, 9)
    with pytest.raises(ConfigError, match="the file is the list of 2024-01-10"):
        OUTCOMES.start(config, file=config.parent / "book.xlsx", **options)


def test_an_export_of_the_crm_is_read_in_the_contract_s_columns(config):
    head = "treatment_id,customer_id,treated_at,contacted,arm,published_on,lane,answer,solved"
    rows = [
        "t1,C1,2024-01-11 09:30:00,true,treat,2024-01-10,call,yes,true",
        "t2,H1,2024-01-11 09:30:00,false,holdout,2024-01-10,call,,",
    ]
    assert take(config, rows, head=head)["outcomes"] == 2
    found = stored_contacts(config)
    assert found.loc["C1", "treated_at"] == pd.Timestamp("2024-01-11 08:30"), "local time in UTC"
    assert found["arm"].to_dict() == {"C1": "treat", "H1": "holdout"}
    wrong = [
        "t3,C3,2024-01-11 09:30:00,true,treat,2024-01-10,call,maybe,",
        "t4,nobody,2024-01-11 09:30:00,true,treat,2024-01-10,call,yes,",
        "t5,C5,2030-01-11 09:30:00,true,treat,2024-01-10,call,yes,",
    ]
    with pytest.raises(ContractError) as refused:
        take(config, wrong, head=head)
    for place in ("row 2, answer: ", "row 3, customer_id: not on", "row 4, treated_at: "):
        assert place in str(refused.value)


@pytest.mark.parametrize(
    ("head", "says"),
    [("Kunde;Notat", "neither the titles"), ("Nr.;Kunde;Ansvarlig;Status;Utfall", "no outreach")],
)
def test_a_file_that_is_no_list_of_outreach_is_refused(config, head, says):
    with pytest.raises(ContractError, match=says):
        take(config, ["C1;x"], head=head)


def test_a_list_of_a_day_without_one_is_refused(config):
    with pytest.raises(ConfigError, match="no complete list of 2024-01-09"):
        take(config, ["1;C1;Telefon;Ferdig;;Løst;"], day=date(2024, 1, 9))


def test_the_effect_counts_who_was_reached_and_the_doctor_tells(config):
    reached = [f"{n};C{n};Telefon;Ferdig;;Snakket med kunden;" for n in range(90)]
    take(config, [*reached, "91;C91;Telefon;Ferdig;;Ikke svar;"])
    settings = load_settings(config)
    assert "treatments" in settings.sources
    assert any("91 contacts by stille outcomes" in each.message for each in treated(settings))
    effect = EFFECT.start(config, date(2024, 5, 1)).effects[0]
    assert (effect.treated, effect.treated_reached) == (300, 90)
    with open_run("outcomes", config) as run:
        assert run.settings.sources["treatments"].kind == "parquet"


def test_a_company_s_own_treatments_keep_their_rows_and_their_columns(config):
    document = yaml.safe_load(config.read_text("utf-8"))
    own = "nr;kunde;når;nådd\nA1;C7;10.01.2024 12:00;J\n"
    (config.parent / "data" / "own.csv").write_text(own, encoding="utf-8")
    document["sources"]["treatments"] = {
        "path": "own.csv",
        "known_delay_days": 0,
        "dialect": {"delimiter": ";", "instant": "%d.%m.%Y %H:%M", "true_values": ["J"]},
        "columns": {"treatment_id": "nr", "customer_id": "kunde", "treated_at": "når"}
        | {"contacted": "nådd"},
    }
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    take(config, ["1;C1;Telefon;Ferdig;;Takket ja;", "2;C2;Telefon;Ferdig;;Ikke svar;"])
    effect = EFFECT.start(config, date(2024, 5, 1)).effects[0]
    assert effect.treated_reached == 2, "one by the company, one by the worklist"


@pytest.mark.promise("forget")
def test_who_is_forgotten_is_in_no_kept_outcome(config):
    take(config, ["1;C1;Telefon;Ferdig;;Løst;", "2;C2;Telefon;Ferdig;;Løst;"])
    paths = load_settings(config).paths
    assert forget(paths, "C1").tables == 1
    assert set(stored_contacts(config).index) == {"C2"}
    forget(paths, "C2")
    assert not paths.reported_treatments.exists()


def test_a_filled_worklist_rests_its_customers_the_next_night(demo, published, copied, clock):
    """Night, worklist filled in in Swedish, outcomes, next night: all of them in cooldown."""
    config, texts = demo.config_in(copied, copied / "data"), load_worklist_texts("sv")
    book = openpyxl.load_workbook(published.publication.folder / "worklist.call.sv.xlsx")
    sheet = book.worksheets[0]
    column = {cell.value: cell.column for cell in sheet[1]}
    filled = []
    for row in range(2, 12):
        word = texts.outcomes[("accepted", "not_reached")[row % 2]]
        sheet.cell(row, column[texts.titles["outcome"]]).value = word
        sheet.cell(row, column[texts.titles["status"]]).value = texts.statuses["done"]
        filled.append(sheet.cell(row, column[texts.titles["customer_id"]]).value)
    book.save(copied / "ifylld.xlsx")
    clock(datetime.combine(demo.as_of, datetime.min.time(), UTC) + timedelta(hours=18))
    options = {"list_day": None, "dry_run": False, "correct": False}
    result = OUTCOMES.start(config, file=copied / "ifylld.xlsx", **options)
    assert (result["list"], result["outcomes"]) == (demo.as_of, 10)
    night = NIGHTLY.start(config, demo.as_of + timedelta(days=1))
    rows = pd.read_parquet(night.publication.folder / "risk_list.parquet").set_index("customer_id")
    rested = rows.loc[filled]
    assert set(rested["contact_block_reason"]) == {"cooldown"}
    assert not rested["lane"].eq("call").any()
