"""``stille init``: a folder of exports becomes a configuration that a person has confirmed."""

import random
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from init_person import FIRM, TODAY, Person

from features.contract import TABLES
from features.errors import ConfigError, ContractError
from pipelines.config.settings import load_settings
from pipelines.onboarding.draft import draft, group_files
from pipelines.onboarding.init import initialise
from pipelines.onboarding.matching import column_likeness
from pipelines.onboarding.sampling import sample_column, sample_file
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.sources.synonyms import likeness, word_list

NAMES = ("Kåre Hansen", "+4791234567")


def day(number):
    return (date(2025, 1, 1) + timedelta(days=number)).strftime("%d.%m.%Y")


@pytest.fixture
def nord(tmp_path):
    """A Norwegian company's exports: semicolons, cp1252, decimal commas."""
    folder = tmp_path / "nord"
    folder.mkdir()
    dice = random.Random(1)  # noqa: S311  (seeded, no secret)

    def write(name, header, lines):
        text = header + "\n" + "".join(line + "\n" for line in lines)
        (folder / name).write_text(text, encoding="cp1252")

    write(
        "Kunder.csv",
        "KundeNr;Navn;Telefon;Opprettet;Kundetype",
        [f"{n:05};{NAMES[0]};{NAMES[1]};{day(n % 90)};privat" for n in range(100)],
    )
    for year in (2024, 2025):
        write(
            f"fakturaer_{year}.csv",
            "FakturaNr;Kundenr;Utstedt_dato;Forfallsdato;Beløp;Stipulert",
            [
                f"{year}{n:04};{n:05};{day(n)};{day(n + 14)};"
                f"{dice.choice(['1 234,50', '99,00'])};{dice.choice('JN')}"
                for n in range(100)
            ],
        )
    write(
        "oppsigelser.csv",
        "AvtaleNr;Kundenr;Oppsigelsesdato;Sluttdato;Årsak",
        [
            f"A{n};{n:05};{day(n)};{day(n + 30)};{dice.choice(['Frivillig', 'Flytting'])}"
            for n in range(20)
        ],
    )
    write(
        "henvendelser.csv",
        "Kundenr;Tidspunkt;Kanal;Ventetid_sek;Håndtert_av",
        [
            f"{n:05};{day(n)} {n % 24:02}:15;{('Telefon', 'E-post')[n % 2]};{n};X{n % 3}"
            for n in range(100)
        ],
    )
    write("notat.csv", "a;b", ["1;2"])
    return folder


def drafted(folder, into, person=None):
    person = person or Person()
    return load_settings(initialise(folder, into, FIRM, TODAY, person.dialog()))


def test_a_folder_becomes_a_configuration_that_reads_it(nord, tmp_path):
    settings = drafted(nord, tmp_path / "c.yaml")
    assert list(settings.sources) == ["customers", "terminations", "invoices", "contacts"]
    assert settings.dialect.model_dump(exclude_defaults=True) == {
        "delimiter": ";",
        "encoding": "cp1252",
        "decimal": ",",
        "thousands": " ",
        "date": "%d.%m.%Y",
        "instant": "%d.%m.%Y %H:%M",
        "true_values": ("J",),
        "false_values": ("N",),
    }
    invoices = settings.sources["invoices"]
    assert (invoices.path, invoices.money_unit) == ("fakturaer_*.csv", "major")
    assert settings.training.first_as_of == date(2024, 3, 1)
    paths = settings.paths.model_copy(update={"var": tmp_path / "var"})
    settings = settings.model_copy(update={"paths": paths})
    snapshot = take_snapshot(settings, tmp_path / "snapshot")
    assert {name: facts.rows for name, facts in snapshot.tables.items()} == {
        "customers": 100,
        "terminations": 20,
        "invoices": 200,
        "contacts": 100,
    }
    assert not any(facts.quarantined for facts in snapshot.tables.values())
    found = duckdb.sql(f"select distinct outcome from '{snapshot.path('terminations', 0)}'")
    assert sorted(found.fetchall()) == [("moved",), ("voluntary",)]
    columns = snapshot.tables["contacts"].columns
    assert {"contact_id", "channel", "wait_seconds", "started_at"} <= set(columns)


def test_everything_to_look_at_stands_beside_it_and_no_value_is_shown(nord, tmp_path):
    person = Person()
    drafted(nord, tmp_path / "c.yaml", person)
    text = (tmp_path / "c.yaml").read_text()
    assert "# not used: Håndtert_av" in text
    assert "# TO CONFIRM, known_delay_days: days from an event to its row" in text
    assert "# instants without a zone are read in the company's zone" in text
    assert "contact_id: {row_number: true}" in text
    said = "\n".join(person.heard)
    assert "  amount ← Beløp (decimal ','; 1 234,50 " in said
    assert "  channel ← Kanal (text, 2 words translated; E-post 50×, Telefon 50×)" in said or (
        "  channel ← Kanal (text, 2 words translated; Telefon 50×, E-post 50×)" in said
    )
    assert "notat.csv: left out; resembles no table of the contract" in said
    assert "known_delay_days is 0, that is, known the same moment, for customers, " in said
    for shown in (said, text):
        assert [word for word in (*NAMES, "Navn", "00042") if word in shown] == []


def test_what_a_person_declines_is_left_out(nord, tmp_path):
    person = Person("as shown", "is invoices")
    settings = drafted(nord, tmp_path / "c.yaml", person)
    assert list(settings.sources) == ["customers", "terminations", "contacts"]
    assert person.asked == 5


def test_nothing_is_ever_overwritten(nord, tmp_path):
    (tmp_path / "c.yaml").write_text("mine")
    with pytest.raises(ConfigError, match="never overwritten"):
        drafted(nord, tmp_path / "c.yaml")
    assert (tmp_path / "c.yaml").read_text() == "mine"


def test_without_customers_nothing_is_written(nord, tmp_path):
    with pytest.raises(ConfigError, match="no file was confirmed as customers"):
        drafted(nord, tmp_path / "c.yaml", Person("is customers"))
    assert not (tmp_path / "c.yaml").exists()


@pytest.mark.parametrize("place", ["empty", "absent"])
def test_a_folder_without_files_is_named(tmp_path, place):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no table is here that can be read"):
        drafted(tmp_path / place, tmp_path / "c.yaml")


def test_parquet_files_and_folders_keep_their_own_types(tmp_path):
    folder = tmp_path / "export"
    (folder / "Betalningar" / "year=2026").mkdir(parents=True)
    pq.write_table(pa.table({"Kund-ID": ["1", "2"]}), folder / "kunder.parquet")
    paid = {
        "BetalningsId": ["a"],
        "Kund-ID": ["1"],
        "Betaldatum": pa.array([date(2026, 1, 1)]),
        "Belopp": pa.array([12.5]),
        "Metod": ["Autogiro"],
    }
    pq.write_table(pa.table(paid), folder / "Betalningar" / "year=2026" / "p.parquet")
    settings = drafted(folder, tmp_path / "c.yaml")
    source = settings.sources["payments"]
    assert (source.path, source.kind, source.money_unit) == ("Betalningar/", "parquet", "major")
    assert {name: origin.column for name, origin in source.columns.items()} == {
        "payment_id": "BetalningsId",
        "customer_id": "Kund-ID",
        "paid_on": "Betaldatum",
        "amount": "Belopp",
        "method": "Metod",
    }
    assert source.columns["method"].values == {"Autogiro": "autopay"}
    assert take_snapshot(settings, tmp_path / "snapshot").tables["payments"].rows == 1


def test_words_that_nobody_knows_are_left_to_a_person(tmp_path):
    folder = tmp_path / "e"
    folder.mkdir()
    (folder / "customers.csv").write_text("customer_id\n1\n")
    (folder / "contacts.csv").write_text(
        "contact_id,customer_id,started_at,channel\na,1,2026-01-01 10:00:00,K9\n"
    )
    person = Person()
    settings = drafted(folder, tmp_path / "c.yaml", person)
    assert "channel" not in settings.sources["contacts"].columns
    assert "left out: channel, words that contacts.channel does not know; K9 1×" in "\n".join(
        person.heard
    )
    assert "channel: channel has words of its own; write" in (tmp_path / "c.yaml").read_text()


def test_the_command_line_accepts_all_or_asks(stille, nord, tmp_path, monkeypatch):
    arguments = ["init", nord, "--name", "Nord Kraft", "--to"]
    ended = stille(*arguments, tmp_path / "a.yaml", "--yes")
    assert ended.code == 0, ended.err
    assert f"stille check --config {tmp_path / 'a.yaml'}" in ended.out
    assert "amount ← Beløp" in ended.out
    document = yaml.safe_load((tmp_path / "a.yaml").read_text())
    assert document["company"]["name"] == "Nord Kraft"
    asked = []
    monkeypatch.setattr("typer.confirm", lambda question, **_: asked.append(question) or True)
    assert stille(*arguments, tmp_path / "b.yaml").code == 0
    assert (tmp_path / "b.yaml").read_text() == (tmp_path / "a.yaml").read_text()
    assert len(asked) == 2
    assert stille(*arguments, tmp_path / "c.yaml", "--timezone", "Mars/Base").code == 2


@pytest.mark.parametrize(
    ("table", "name", "column"),
    [
        ("invoices", "FakturaNr", "invoice_id"),
        ("invoices", "Förfallodatum", "due_on"),
        ("invoices", "faktura_belop", "amount"),
        ("customers", "id", "customer_id"),
        ("customers", "Kund-ID", "customer_id"),
        ("contacts", "Ventetid (sek)", "wait_seconds"),
        ("cases", "Lukket", "closed_at"),
        ("contracts", "Startdato", "started_on"),
        ("terminations", "Oppsigelsesdato", "notified_on"),
    ],
)
def test_norwegian_and_swedish_names_are_known(table, name, column):
    contract = TABLES[table]
    liked = {c.name: column_likeness(name, contract, c.name) for c in contract.columns}
    assert max(liked, key=liked.get) == column
    assert liked[column] >= 0.9


@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("fakturaer_2025", "invoices"),
        ("Ärenden", "cases"),
        ("export_crm_henvendelser", "contacts"),
        ("prisendringer", "price_changes"),
        ("uppsägningar", "terminations"),
        ("klager", "complaints"),
    ],
)
def test_names_of_files_are_known(file, table):
    liked = {t.name: likeness(file, t.name) for t in TABLES.values() if not t.derived}
    assert max(liked, key=liked.get) == table
    assert liked[table] >= 0.9


def test_words_are_the_company_s_own_file_and_needed(tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.sources.synonyms.WORDS", tmp_path / "words.yaml")
    with pytest.raises(
        ConfigError, match=r"cannot read the words that companies use: .*words\.yaml"
    ):
        word_list.__wrapped__("units")
    (tmp_path / "words.yaml").write_text("units: {weeks: week uke}")
    assert word_list.__wrapped__("units") == {"weeks": {"week", "uke"}}


@pytest.mark.parametrize(
    "name", ["Navn", "Telefon", "E-post", "personnummer", "Fornavn", "adresse"]
)
def test_columns_about_persons_are_never_offered(name):
    assert column_likeness(name, TABLES["customers"], "segment") == 0


@pytest.mark.parametrize(
    ("values", "kinds", "form"),
    [
        (["2026-01-31", "2026-02-01"], {"date", "text"}, "%Y-%m-%d"),
        (["31.01.2026"], {"date", "text"}, "%d.%m.%Y"),
        (["01/13/2026", "02/01/2026"], {"date", "text"}, "%m/%d/%Y"),
        (["20260131", "20260201"], {"date", "text"}, "%Y%m%d"),
        (["70705750", "70705751"], {"integer", "number", "text"}, ""),
        (["2026-01-31T10:00:00+0100"], {"instant", "text"}, "%Y-%m-%dT%H:%M:%S%z"),
        (["ja", "nei"], {"boolean", "text"}, ""),
        (["1", "0"], {"boolean", "integer", "number", "text"}, ""),
        (["1 234,50", "7,5"], {"number", "text"}, ""),
        (["a", "1"], {"text"}, ""),
        (["1,5", "1.5"], {"text"}, ""),
        ([], {"text"}, ""),
    ],
)
def test_what_a_column_may_hold(values, kinds, form):
    seen = sample_column(values)
    assert (seen.kinds, seen.form) == (kinds, form)


def test_signs_of_numbers_are_told_apart_or_doubted():
    signs = sample_column(["1.234,56"])
    assert (signs.decimal, signs.thousands) == (",", ".")
    signs = sample_column(["1.234", "12.5"])
    assert (signs.decimal, signs.thousands) == (".", "")
    assert sample_column(["1.234", "5.678"]).doubtful
    assert sample_column(["01/02/2026"]).doubtful
    assert not sample_column(["13/02/2026"]).doubtful


def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / "kunder.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ContractError, match=r"kunder\.parquet: not a whole Parquet file"):
        sample_file(tmp_path / "kunder.parquet")


def test_each_file_and_each_table_is_used_once(nord):
    drafts = draft(group_files(nord)[0])
    assert len({each.table.name for each in drafts}) == len(drafts)
    assert len({each.files.path for each in drafts}) == len(drafts)
