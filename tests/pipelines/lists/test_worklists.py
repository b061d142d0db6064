"""Worklists: words of the language only, room for the outcome, one list an agent, few pages."""

import csv
import re
import shutil
import subprocess
from datetime import date

import numpy as np
import openpyxl
import pandas as pd
import pytest
import yaml

from features.catalog import build_catalog
from features.contract import CHANNELS, PAYMENT_METHODS, PRODUCT_LINES, TABLES
from features.errors import ConfigError
from pipelines.config.lists import EXCEL, WorkSplit
from pipelines.config.text_files import ACTIONS
from pipelines.lists.contact import BLOCK_REASONS, CONTACT_CHANNELS, use_channel
from pipelines.lists.lanes import LANES, RULES, Capacity, place
from pipelines.lists.list_columns import BANDS, FIELDS, RISK_LIST
from pipelines.lists.placement import team_of, worklist_team
from pipelines.lists.previous_nights import PublishedNight
from pipelines.lists.worklists import WORKLISTS, load_worklist_texts, write_worklists

LANGUAGES = ("nb", "sv", "en")
TABLE = yaml.safe_load(ACTIONS.read_text("utf-8"))
# Words that are English as well as codes: in an English sentence they are words.
CODES = {*TABLE["actions"], *TABLE["do_not"], *TABLE["drivers"], *RULES, *LANES, *BANDS}
CODES |= {*BLOCK_REASONS, *CHANNELS, *PAYMENT_METHODS, *PRODUCT_LINES, "FALSE", "TRUE", "nan"}
CODES |= {feature.driver for feature in build_catalog(TABLES).features}
CODES |= {field.name for field in FIELDS} | {"None", "NaT", "treat", "holdout", "private"}
PLAIN_ENGLISH = {code for code in CODES if re.fullmatch("[a-z]+", code)}
ADOPTED = {"sms", "app", "senior", "chat"}


def cells(path):
    """Every text of a worklist, header included, from the workbook or the CSV."""
    if path.suffix == ".xlsx":
        rows = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
        return [["" if cell is None else str(cell) for cell in row] for row in rows]
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [*csv.reader(file, delimiter=";")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_file_for_people_has_a_code_or_a_boolean(published, language):
    folder = published.publication.folder
    files = sorted(folder.glob(f"worklist.*.{language}.*"))
    assert len(files) == 2 * len(WORKLISTS)
    banned = CODES - (PLAIN_ENGLISH if language == "en" else ADOPTED)
    for path in files:
        words = {w for row in cells(path) for c in row for w in re.findall(r"[\w-]+", c)}
        assert not words & banned, path.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_worklist_is_filtered_frozen_checked_and_printed_across(published, language):
    folder, texts = published.publication.folder, load_worklist_texts(language)
    for kind, columns in WORKLISTS.items():
        sheet = openpyxl.load_workbook(folder / f"worklist.{kind}.{language}.xlsx").worksheets[0]
        header = [cell.value for cell in sheet[1]]
        assert header == [texts.titles[name] for name in columns]
        assert len(header) <= 16
        assert sheet.freeze_panes == "C2"
        assert sheet.auto_filter.ref.startswith("A1:")
        assert sheet.print_title_rows == "$1:$1"
        assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
        assert sheet["E2"].alignment.wrap_text
        lists = {
            header[openpyxl.utils.range_boundaries(str(rule.sqref))[0] - 1]: rule.formula1
            for rule in sheet.data_validations.dataValidation
            if rule.type == "list"
        }
        asked = {texts.titles[name] for name in ("status", "outcome") if name in columns}
        assert set(lists) == asked
        if asked:
            assert lists[texts.titles["status"]] == f'"{",".join(texts.statuses.values())}"'
        assert cells(folder / f"worklist.{kind}.{language}{EXCEL.ending}")[0] == header


@pytest.mark.promise("barred")
def test_nobody_is_on_a_phone_list_who_may_not_be_phoned(published):
    folder = published.publication.folder
    rows = pd.read_parquet(folder / "risk_list.parquet").set_index("customer_id")
    _, *phone = cells(folder / "worklist.call.nb.xlsx")
    _, *write = cells(folder / "worklist.write.nb.xlsx")
    assert rows.loc[[row[1] for row in phone], "contact_allowed_phone"].all()
    assert {row[3] for row in phone} == {"09:00–21:00"}
    ids = {row[1] for row in write}
    assert ids
    assert not ids & {row[1] for row in phone}
    channels = {"E-post": "email", "SMS": "sms", "Brev": "post"}
    for row in write:
        assert rows.loc[row[1], f"contact_allowed_{channels[row[2]]}"]
    assert len(ids) + len(phone) == rows["lane"].eq("call").sum()


def listed(count, **different):
    """Rows of a risk list, all to be called."""
    rows = {
        "customer_id": [f"C{n:04d}" for n in range(count)],
        "product_line": "broadband",
        "segment": "private",
        "risk_band": "very_high",
        "lane": "call",
        "lane_rule": None,
        "call_rank": range(1, count + 1),
        "use_channel": "phone",
        "call_from": "09:00",
        "call_until": "21:00",
        "reason_1_text": "Kunden har hatt en åpen sak siden 18. desember 2024, i 15 dager.",
        "reason_2_text": "Kunden tok kontakt igjen om det samme 2 ganger de siste 90 dagene.",
        "suggested_action": "A6",
        "do_not": "extend_binding;call_closed_resolved;ask_again",
        "tenure_days": 800.0,
        "open_case_id": "S1",
        "binding_until": pd.Timestamp("2026-03-01"),
        "last_contact_on": pd.Timestamp("2024-12-20"),
    }
    return pd.DataFrame(rows | different)


@pytest.fixture
def settings(company):
    return company(list={"languages": ["nb"]})


def test_a_row_by_hand(settings, tmp_path, root, monkeypatch):
    monkeypatch.chdir(root)
    rows = listed(
        4,
        tenure_days=[100.0, 400.0, 4021.0, np.nan],
        segment=["private", "Storkunde", None, "=1+1"],
        binding_until=pd.to_datetime(["2015-01-01", "2026-03-01", None, None]),
        open_case_id=["=HYPERLINK()", None, None, None],
        do_not=["judge_credit;force_digital", None, None, None],
        use_channel=["phone", "phone", "phone", "post"],
        suggested_action=["A6", "A6", "A6", "A9"],
    )
    write_worklists(settings, "nb", rows, date(2026, 1, 2), tmp_path)
    header, first, second, third = cells(tmp_path / "worklist.call.nb.excel.csv")
    said = dict(zip(header, first, strict=True))
    assert said["Hvem"] == "Bredbånd, kunde i under ett år, privatkunde, svært høy risiko"
    assert said["Åpen sak"] == "'=HYPERLINK()"
    assert cells(tmp_path / "worklist.call.nb.xlsx")[1][header.index("Åpen sak")][0] == "'"
    assert said["Bundet til"] == "", "a binding that is over is no news"
    assert said["Ikke gjør"].count("; ") == 1
    assert said["Hvorfor"].endswith(
        "i 15 dager. Kunden tok kontakt igjen om det samme 2 ganger de siste 90 dagene."
    )
    assert second[4] == "Bredbånd, kunde i 1 år, Storkunde, svært høy risiko"
    assert third[4] == "Bredbånd, kunde i 11 år, svært høy risiko"
    assert second[header.index("Bundet til")] == "2026-03-01"
    header, letter = cells(tmp_path / "worklist.write.nb.xlsx")
    assert letter[:3] == ["1", "C0003", "Brev"]
    assert letter[header.index("Gjør dette")].startswith("Skriv, og gi direktenummer")
    assert "Ring mellom" not in header


@pytest.mark.parametrize("by", [{"agents": 3}, {"by": "segment"}])
def test_split_work_has_a_file_for_each_and_nobody_twice(company, tmp_path, root, monkeypatch, by):
    monkeypatch.chdir(root)
    split = company(list={"languages": ["nb"], "split": by})
    rows = listed(90, segment=["../Nord"] * 30 + ["Sør & co"] * 60).assign(minutes=10.0)
    team = team_of(split.list.split, rows)
    rows["team"] = worklist_team(split.list.split, rows.assign(team=team), None)
    write_worklists(split, "nb", rows, date(2026, 1, 2), tmp_path)
    files = sorted(path.name for path in tmp_path.glob("worklist.call.*.xlsx"))
    parts = ("1", "2", "3") if "agents" in by else ("1-nord", "2-s-r-co")
    assert files == [f"worklist.call.nb.{part}.xlsx" for part in parts]
    found = [row[1] for name in files for row in cells(tmp_path / name)[1:]]
    assert sorted(found) == rows["customer_id"].tolist()


def dealt(ids, split, before=None, minutes=None):
    frame = pd.DataFrame({"customer_id": ids, "lane": "call", "team": None})
    frame["minutes"] = 10.0 if minutes is None else minutes
    return worklist_team(split, frame, before)


def test_agents_keep_their_customers_and_have_even_minutes():
    assert "team" in RISK_LIST, "the next night reads it there"
    rng, split = np.random.default_rng(1), WorkSplit(agents=4)
    ids = [f"C{n}" for n in range(400)]
    minutes = rng.choice([4.0, 6.0, 10.0, 15.0], 400)
    first = dealt(ids, split, minutes=minutes)
    load = pd.Series(minutes).groupby(first).sum()
    assert load.max() <= 1.1 * minutes.sum() / 4 + 15
    first = (first.astype(int) % 4 + 1).astype(str)  # as dealt by another rule than the hash
    last = PublishedNight(date(2026, 1, 1), pd.DataFrame({"team": first.to_numpy()}, ids), {})
    later = [*ids[40:], *(f"N{n}" for n in range(40))]
    second = dealt(later, split, last, np.r_[minutes[40:], rng.choice([4.0, 15.0], 40)])
    kept = second.iloc[:360].to_numpy() == first.iloc[40:].to_numpy()
    assert kept.mean() > 0.95
    fewer = dealt(later, WorkSplit(agents=3), last)
    assert set(fewer) == {"1", "2", "3"}


def test_each_team_fills_its_own_minutes_and_the_others_share_the_rest():
    rows = pd.DataFrame(
        {
            "customer_id": [f"C{n:02d}" for n in range(12)],
            "churn_probability": 0.5,
            "expected_value": np.arange(12, 0, -1.0),
            "action_lane": "call",
            "minutes": 10.0,
            "contact_block_reason": None,
            "arm": "treat",
            "household_id": None,
            "team": ["north"] * 4 + ["south"] * 4 + ["west", None] * 2,
        }
    )
    lanes = place(rows, Capacity(20.0, teams={"north": 30.0, "south": 10.0}))
    called = rows["team"].fillna("-")[lanes["lane"] == "call"].tolist()
    assert called == ["north"] * 3 + ["south"] + ["west", "-"]
    mates = rows.assign(household_id=["h"] + [None] * 3 + ["h"] + [None] * 7)
    lanes = place(mates, Capacity(20.0, teams={"north": 30.0, "south": 10.0}))
    assert lanes["lane_rule"].iloc[4] == "household", "one call a household, across teams"


@pytest.mark.parametrize(
    ("split", "says"),
    [
        ({"by": "team"}, "team has 0 values"),
        ({"by": "customer_id_"}, "Input should be"),
        ({"by": "segment", "agents": 3}, "either by"),
        ({"agents": 3, "minutes": {"a": 10}}, "minutes are those of teams"),
        ({"by": "segment", "minutes": {"privat": 10}}, "did you mean 'private'"),
        ({"by": "segment", "minutes": {"private": 9000}}, "add up to more than that"),
    ],
)
def test_a_wrong_split_says_what_is_wrong(company, split, says):
    with pytest.raises(ConfigError, match=says):
        team_of(company(list={"split": split}).list.split, listed(3))


def test_the_preferred_channel_is_used_where_it_is_allowed_else_the_first():
    may = pd.DataFrame({f"contact_allowed_{c}": [True, False, True] for c in CONTACT_CHANNELS})
    may["contact_allowed_phone"] = [True, False, False]
    preferred = pd.Series(["email", "email", "chat"])
    order = ("phone", "post", "email", "sms")
    assert use_channel(may, preferred, order).fillna("-").tolist() == ["email", "-", "post"]


def test_a_channel_with_a_basis_must_be_one_of_the_channels(company):
    with pytest.raises(ConfigError, match="order must have post"):
        company(contact={"order": ["phone"], "legal_basis": {"post": "consent"}})


@pytest.mark.parametrize(
    ("zone", "hours", "used"),
    [
        ("Europe/Oslo", None, (9, 21)),
        ("Europe/Oslo", ["08:00", "22:00"], (9, 21)),
        ("Europe/Oslo", ["10:00", "18:00"], (10, 18)),
        ("Europe/Stockholm", None, (9, 20)),
        ("Europe/Stockholm", ["08:00", "21:00"], (8, 21)),
    ],
)
def test_nobody_is_phoned_beyond_the_hours_of_the_country_s_law(company, zone, hours, used):
    given = {"name": "Test", "timezone": zone, "currency": "NOK", "language": "nb"}
    made = company(company=given, contact={"calling_hours": hours, "quiet_weekdays": ["monday"]})
    assert tuple(t.hour for t in made.contact.hours(made.company.country)) == used
    saturday, midsummer = date(2026, 5, 9), date(2026, 6, 19)
    lawful = made.company.country == "NO"
    assert made.contact.quiet(saturday, made.company.country) == lawful
    assert made.contact.quiet(midsummer, made.company.country) != lawful


def test_a_weekday_may_have_other_minutes(company):
    options = company(list={"capacity_minutes": 100, "weekday_shares": {"friday": 0.5}}).list
    assert [options.minutes_on(date(2026, 1, day)) for day in (1, 2)] == [100, 50]


@pytest.mark.slow
def test_fifty_rows_print_on_at_most_four_pages(settings, tmp_path, root, monkeypatch):
    office = shutil.which("soffice")
    if office is None or shutil.which("pdfinfo") is None:
        pytest.skip("LibreOffice is not installed: apt-get install libreoffice-calc poppler-utils")
    monkeypatch.chdir(root)
    write_worklists(settings, "nb", listed(50), date(2026, 1, 2), tmp_path)
    command = [office, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile"]
    book = tmp_path / "worklist.call.nb.xlsx"
    command += ["--convert-to", "pdf", "--outdir", str(tmp_path), str(book)]
    subprocess.run(command, check=True, capture_output=True)
    told = subprocess.run(
        ["pdfinfo", str(book.with_suffix(".pdf"))], check=True, capture_output=True, text=True
    ).stdout
    assert 1 < int(re.search(r"Pages:\s+(\d+)", told)[1]) <= 4
