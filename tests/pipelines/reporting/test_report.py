"""The report: what it says, in three languages, from plain facts."""

import base64
import json
import re
from dataclasses import replace
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path
from string import Template
from types import SimpleNamespace

import pandas as pd
import pytest

from features.contract import CHANNELS, TABLES
from features.errors import ConfigError
from models.causal.contact_value import SavedShare
from pipelines.config.measurement import MeasurementFile, newest
from pipelines.config.settings import load_settings
from pipelines.config.text_files import ACTIONS, rule_files
from pipelines.lists.actions import load_actions
from pipelines.lists.lanes import LANES, RULES
from pipelines.lists.list_columns import QUALITIES
from pipelines.lists.permissions import QUERIES, Permissions
from pipelines.lists.placement import NightContext
from pipelines.lists.previous_nights import Before, PublishedNight
from pipelines.monitoring.questions import QUESTIONS
from pipelines.publication.manifest import Stamp
from pipelines.reporting import charts
from pipelines.reporting.collect import SMALLEST_GROUP, collect, peace_of, reach_of, risk_reasons
from pipelines.reporting.facts import DriverShare
from pipelines.reporting.texts import load_texts
from pipelines.reporting.write import DETAILS, render, texts_of, write_report
from tests.helpers.reports import NOTHING, bare, cause, full

LANGUAGES = ("nb", "sv", "en")
HOSTILE = '<script>alert(1)</script> & "$x^{" '


class Words(HTMLParser):
    """The text of a page, without its styles."""

    def __init__(self, page):
        super().__init__()
        self.found, self.style = [], False
        self.feed(page)
        self.text = re.sub(r"[ \n]+", " ", " ".join(self.found))

    def handle_starttag(self, tag, attributes):
        self.style = tag == "style"

    def handle_endtag(self, tag):
        self.style = False

    def handle_data(self, data):
        if not self.style:
            self.found.append(data)


def page(facts, language="en"):
    return render(facts, texts_of(language), {})


def words(facts, language="en", config=None):
    return Words(render(facts, texts_of(language, config), {})).text


def pictures(html):
    found = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", html)
    return [base64.b64decode(each).decode() for each in found]


def test_every_language_has_the_same_texts_with_the_same_values():
    texts = {
        language: load_texts(Path(f"configs/report/{language}.yaml")) for language in LANGUAGES
    }
    values = {
        language: {key: sorted(Template(said).get_identifiers()) for key, said in t.texts.items()}
        for language, t in texts.items()
    }
    assert values["nb"] == values["en"]
    assert values["sv"] == values["en"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_name(language):
    said = texts_of(language).texts
    wanted = {
        "lanes": ("all", *LANES),
        "rules": RULES,
        "qualities": QUALITIES,
        "actions": load_actions(ACTIONS).actions,
        "title": (),
    }
    for kind, codes in wanted.items():
        for code in codes:
            assert said[f"{kind}.{code}"] != code
    for section in ("status", "tonight", "answers", *DETAILS):
        assert said[f"{section}.title"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_speaks_of_a_cause_where_there_is_an_association(language):
    causal = r"\b(because|fordi|eftersom|därför att|på grunn av|på grund av|skyldes|due to)\b"
    for key, said in texts_of(language).texts.items():
        assert not re.search(causal, said, re.IGNORECASE), key


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("facts", [full(), bare()], ids=["full", "bare"])
def test_the_ten_parts_are_there_in_order_small_and_offline(language, facts):
    html = page(facts, language)
    assert re.findall(r'<h2 id="(\w+)">', html) == ["status", "tonight", "answers", *DETAILS]
    assert f'<html lang="{language}">' in html
    assert len(html.encode()) < 1_000_000
    assert re.findall(r"""(?:src|href)=["'](?!data:image/svg|#)""", html) == []
    assert "<script" not in html
    assert "url(" not in html
    for svg in pictures(html):
        assert not re.search(r"""(?:href|src)=["'](?!#)""", svg)
    assert "$" not in Words(html).text


def first_night():
    return replace(full(), tonight=replace(full().tonight, before=None))


def test_a_first_night_says_what_cannot_be_measured_yet():
    said = words(bare())
    assert said.count("not measurable yet") + said.count("Not measurable yet") == 10
    assert "new since" not in words(first_night())
    assert "monitoring has not been run. Tonight's list can be judged after 12 June 2026" in said
    assert "Tonight's lists are ready to use." in said
    monitored = MeasurementFile(date(2026, 2, 1), {"performance": None})
    waiting = words(replace(bare(), monitored=monitored))
    assert "No horizon had completed yet when monitoring was run on 1 February 2026" in waiting


def test_figures_and_dates_are_written_as_the_language_writes_them():
    assert "19 950" in words(full(), "nb").replace("\u00a0", " ")
    assert "372 310 kr" in words(full(), "nb").replace("\u00a0", " ")
    assert "19,950" in words(full(), "en")
    assert "1. mars 2026" in words(full(), "nb")
    assert "15 mars 2026 till 12 juni 2026" in words(full(), "sv")


def test_minus_is_a_minus_in_every_language():
    for language in LANGUAGES:
        said = words(full(), language)
        assert re.findall(r"(?<![\w–])-\d", said) == []
        assert "−0.01" in said.replace(",", ".")
        assert "−3.0" in said.replace(",", ".")
    texts = texts_of("en")
    assert texts.money(-1234.5, "NOK") == "−NOK\u00a01,234"
    assert (texts.count(-3), texts.share(-0.5), texts.decimal(-1)) == ("−3", "−50.0%", "−1.00")


def test_a_comparison_names_the_day_of_the_list_that_it_is_with():
    """The list before was published eight days ago: neither the night before nor a week ago."""
    assert "Another 58 customers are to be written to (write_list)." in words(full(), "en")
    assert "on the call list, of whom 31 are new since 21 February" in words(full(), "en")
    assert "på ringelisten, hvorav 31 er nye siden 21. februar" in words(full(), "nb")
    assert "på ringlistan, varav 31 är nya sedan den 21 februari" in words(full(), "sv")
    assert "Driver Tonight 21 February Change" in words(full())


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_and_channels_have_names_for_readers(language):
    texts = texts_of(language)
    names = [texts.name("tables", name) for name, table in TABLES.items() if not table.derived]
    assert not {*names} & {*TABLES}
    assert len({*names}) == len(names)
    assert all(texts.name("channels", channel) != channel for channel in CHANNELS)
    assert "market_price" not in words(full(), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_objection_is_sent_to_the_table_that_the_rule_reads(language):
    texts = texts_of(language)
    [table] = [name for name, query in QUERIES.items() if re.search(r"as opted_out,", query)]
    said = texts.say("reading.objects")
    first, second = said.index(table), said.index("opted_out")
    assert first < second
    assert texts.name("rules", "opted_out") in said
    assert said.index(table) < said.index("consents")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_names_the_configuration_in_use(language):
    said = words(full(), language, Path("configs/nord kraft.yaml"))
    said += words(bare(), language, Path("configs/nord kraft.yaml"))
    commands = re.findall(
        r"stille (?:check|doctor|effect|explain|monitor|nightly)\b[^.]{0,12}", said
    )
    assert len(commands) >= 6
    assert all("--config 'c" in command for command in commands)


def test_the_status_gives_the_reason_and_the_next_step():
    said = words(full(), config=Path("c.yaml"))
    assert "Minutes of the team that are unused: 1,400." in said
    assert "off the call list: “Contact is expected to lose more than it saves”." in said
    assert "for one of them: stille explain --config c.yaml CUSTOMER." in said


def test_overrides_and_parity_are_told_with_reasons_and_small_groups_without_figures():
    said = words(full())
    assert "310 contacts were held against the list in force on their day, and 1,480" in said
    assert "Contacted although the list spares them Objected 4" in said
    assert "On the call list and not reached No attempt was reported 700" in said
    assert "private 14,000 7.0% * (6.0%–8.5%)" in said
    assert "90+ too few (below 20)" in said
    assert "unknown 5,940" in said
    assert "E-mail 800" in said
    assert "No attempt was reported" not in words(bare())


def test_the_window_is_the_label_window():
    assert "notices given from 15 March 2026 to 12 June 2026" in words(full())


def test_the_page_says_what_the_facts_say():
    said = words(full())
    assert "171 customers left where 172 were expected (0.99 times). That agrees" in said
    assert "the 100 at highest risk 52.4 4.9% 5.4" in said
    assert "Way of paying 32.0% 30.0% +2.0" in said
    assert "as if it kept 10.2% of those about to leave; the configuration assumes" in said
    assert "assumes 30.0% of those reached, and 100.0% are reached" in said
    assert "reached or not: 8.0% (on 1 February 2026)" in said
    night = replace(full().tonight, saved=SavedShare(0.3))
    assert "Nothing has been measured yet." in words(replace(full(), tonight=night))
    assert "as if it kept" not in words(bare())
    assert "Wait 4,100 31.2 NOK\u00a046,000 not yet" in said
    assert "Price rise 800 12.0 no economics given none fewer" in said
    assert "newest day of payments unknown – to 4.000" in said
    assert "Objected Left out by a rule 200" in said


@pytest.mark.parametrize(
    ("language", "quiet", "hours"),
    [("en", "Nobody is phoned", "09:00"), ("nb", "ringes ingen", "ringes mellom")],
)
def test_a_page_of_a_day_on_which_nobody_is_phoned_says_so(language, quiet, hours):
    said = words(full(), language)
    assert hours in said
    assert quiet not in said
    holiday = replace(full(), tonight=replace(full().tonight, calling_hours=None))
    said = words(holiday, language)
    assert quiet in said
    assert hours not in said


def with_effects(changes, which, times=1):
    """Facts with some of the effects, changed, as the only ones."""
    contact = full().contact
    effects = [{**each, **changes} for each in contact.data["effects"][which]] * times
    return replace(full(), contact=replace(contact, data={**contact.data, "effects": effects}))


def test_contact_that_harms_is_said_in_words_and_in_red():
    html = page(full())
    assert '<span class="word bad">Harms.</span>' in html
    assert "More of the treated left than of the held out in these groups: Call list." in words(
        full()
    )
    assert "Cannot be told yet. Contact may keep customers or drive them away." in words(full())
    difference = {"value": 0.06, "low": 0.02, "high": 0.1}
    facts = with_effects({"verdict": "more_leave", "difference": difference}, slice(1))
    assert '<p class="lead"><span class="word bad">Harms.</span>' in page(facts)
    assert "+6.0 percentage points (95 % interval +2.0 to +10.0). Stop contacting" in words(facts)


def test_a_hostile_name_is_text():
    html = page(full(HOSTILE, HOSTILE))
    assert "<script" not in html
    assert Words(html).text.count("<script>alert(1)</script>") == 3
    html = page(with_effects({"kind": "product_line", "group": HOSTILE}, slice(1, 2), 2))
    assert "<script" not in html
    assert not any("<script" in svg for svg in pictures(html))


def test_the_same_facts_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_report(full(), ("nb", "en"), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["report.en.html", "report.html"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert '<a href="report.en.html">English</a>' in (tmp_path / "a/report.html").read_text()
    assert '<a href="report.html">Norsk</a>' in (tmp_path / "a/report.en.html").read_text()


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_text_colour_can_be_read_on_every_ground():
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    style = page(full()).partition("<style>")[2].partition("</style>")[0]
    named = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", style))
    texts = {*(named[c] for c in ("ink", "quiet", "accent", "good", "look", "bad"))}
    for colour in texts | {charts.ACCENT, charts.OTHER, charts.QUIET, charts.INK}:
        for ground in ("#ffffff", named["tint"]):
            assert contrast(colour, ground) >= 4.5, (colour, ground)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def rows(**columns):
    return pd.DataFrame(columns)


def test_reach_by_hand():
    found = reach_of(rows(churn_probability=[0.1, 0.5, 0.2]))
    assert found == ((3, pytest.approx(0.8)),)
    many = reach_of(rows(churn_probability=[0.5] * 100 + [0.1] * 500))
    assert [customers for customers, _ in many] == [100, 500, 600]
    assert many[1][1] == pytest.approx(90)


def test_reasons_against_a_week_ago_and_no_group_that_shows_a_person():
    now = rows(
        reason_1_driver=["wait"] * 30 + ["binding"] * 10 + [None] * 60,
        product_line=["power"] * 39 + ["rare"] * 61,
        risk_change_7d=[0.02] * 50 + [None] * 50,
    )
    then = rows(reason_1_driver=["wait", "price_rise", None])
    why = risk_reasons(now, PublishedNight(date(2026, 2, 22), then, {}))
    assert why.explained == 40
    assert why.drivers == (DriverShare("wait", 0.75, 0.5), DriverShare("binding", 0.25, 0.0))
    assert why.mean_change == pytest.approx(0.02)
    assert [(group.name, group.customers) for group in why.groups] == [("power", 39)]
    assert SMALLEST_GROUP == 20
    alone = risk_reasons(now, None)
    assert alone.before is None
    assert alone.drivers[0].before is None


def test_peace_counts_every_customer_once_and_rules_within_their_lane():
    lanes, rules = peace_of(
        rows(
            lane=["call", "suppressed", "suppressed", "suppressed", "none"],
            lane_rule=[None, "reserved", "opted_out", "opted_out", "capacity"],
        )
    )
    assert sum(count for _, count in lanes) == 5
    assert [lane for lane, _ in lanes] == list(LANES)
    assert rules == (
        ("suppressed", "opted_out", 2),
        ("suppressed", "reserved", 1),
        ("none", "capacity", 1),
    )


def test_nothing_measured_after_the_night_counts(tmp_path):
    for day in ("2026-02-01", "2026-03-01", "2026-03-02"):
        data = {"day": day, "schema_version": "2"}
        (tmp_path / f"{day}.json").write_text(json.dumps(data))
    (tmp_path / "notes.json").write_text("{}")
    night = date(2026, 3, 1)
    found = newest(tmp_path, night, "2")
    assert found == MeasurementFile(night, {"day": "2026-03-01", "schema_version": "2"})
    assert newest(tmp_path / "nowhere", night, "2") == MeasurementFile(None, None)
    assert newest(tmp_path, night, "3").unreadable
    (tmp_path / "2026-03-01.json").write_text("{")
    assert newest(tmp_path, night, "2").unreadable


def test_only_groups_with_both_arms_and_what_harms_are_told_of():
    [whole, call, fix] = full().effects
    action = {**fix, "kind": "action"}
    alone = {**fix, "held_out": 0}
    harmful = {**action, "verdict": "more_leave"}
    data = {**full().contact.data, "effects": [whole, call, fix, action, alone, harmful]}
    facts = replace(full(), contact=MeasurementFile(date(2026, 2, 1), data))
    assert facts.effects == [whole, call, fix, harmful]
    assert bare().effects == []


def test_texts_that_are_none_stop_with_the_file(tmp_path):
    path = tmp_path / "en.yaml"
    with pytest.raises(ConfigError, match="cannot read the report's texts"):
        load_texts(path)
    for content in ("[1, 2]", "locale: xx_YY", "title: Hello", ": :", "locale: 3"):
        path.write_text(content)
        with pytest.raises(ConfigError, match="not a file of the report's texts"):
            load_texts(path)


def test_the_texts_are_part_of_what_a_publication_was_made_of():
    files = {f"configs/report/{name}.yaml" for name in ("nb", "en")}
    assert files <= set(rule_files(["nb", "en"]))


def test_facts_are_collected_from_the_lists_the_snapshot_and_the_measurements(tmp_path):
    settings = load_settings(Path("configs/demo.yaml"))
    paths = settings.paths.model_copy(update={"var": tmp_path})
    settings = settings.model_copy(update={"paths": paths})
    (tmp_path / "monitoring").mkdir()
    (tmp_path / "monitoring/2026-03-01.json").write_text("not json")
    listed = rows(
        minutes=[15.0, 10.0, None],
        churn_probability=[0.5, 0.25, 0.25],
        lane=["call", "fix", "none"],
        lane_rule=[None, None, "capacity"],
        use_channel=["phone", None, None],
        is_new=[True, False, False],
        expected_value=[100.0, -5.0, 1.0],
        expected_value_high=[300.0, 5.0, 2.0],
        reason_1_driver=["wait", "wait", None],
        suggested_action=["A9", "A2", None],
        data_quality=["ok", "ok", "cold_start"],
    )
    causes = rows(
        level=["family", "driver", "driver"],
        cause=["price", "price_rise", "wait"],
        customers=[5, 4, 0],
        leavers=[2.0, 1.5, 0.0],
        value=[None, 90.0, None],
        evidence=["not_measured"] * 3,
    )
    instant = datetime.fromisoformat("2026-02-08 23:30")
    late = SimpleNamespace(rows=9, quarantined={"a": 1, "b": 2}, last_event=instant)
    derived = next(name for name in TABLES if TABLES[name].derived)
    snapshot = SimpleNamespace(tables={"contacts": late, derived: late})
    stamp = Stamp(date(2026, 3, 1), "r", instant, "i", "c", "churn/1", "m", 90, {})
    asked = pd.DataFrame({"register_on": pd.to_datetime(["2026-02-20", None, None])})
    before = Before(PublishedNight(date(2026, 2, 21), listed, {}), None)
    context = NightContext(Permissions(asked), b"", before)
    unread = replace(stamp, permissions_read=False)
    facts = collect(settings, listed, causes, context, snapshot, (), unread)
    assert facts.tonight.leavers == 1.0
    assert (facts.tonight.called, facts.tonight.called_new, facts.tonight.silent) == (1, 1, 1)
    assert facts.tonight.value == (100.0, 300.0)
    mail = listed.assign(use_channel=["email", None, None])
    written = collect(settings, mail, causes, context, snapshot, (), unread).tonight
    assert (written.called, written.written, facts.tonight.written) == (0, 1, 0)
    assert facts.tonight.calling_hours is None, "1 March 2026 is a Sunday"
    assert facts.run.data_until == date(2026, 2, 9)
    assert [notice.code for notice in facts.run.notices] == [
        "permissions",
        "old_data",
        "unreadable",
    ]
    assert facts.run.tone == "bad"
    assert facts.tonight.before == date(2026, 2, 21)
    assert facts.causes == [cause("price_rise", 4, 1.5, 90.0, "not_measured")]
    without = collect(settings, listed, causes.drop(columns="value"), context, snapshot, (), stamp)
    assert [notice.code for notice in without.run.notices] == ["old_data", "unreadable"]
    assert without.causes[0]["value"] is None
    assert [(t.table, t.set_aside) for t in facts.health.tables] == [("contacts", 3)]
    assert facts.contact == NOTHING
    assert facts.monitored.unreadable
    assert "nobody may be contacted tonight" in words(facts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_has_its_line_with_its_figures(language):
    lines = load_texts(Path(f"configs/report/{language}.yaml")).texts
    assert {f"questions.{question}" for question in QUESTIONS} <= set(lines)
    said = words(full(), language)
    for figure in ("1.2", "3.1", "-1.9", "61"):
        assert figure.replace(".", "," if language != "en" else ".").replace("-", "") in said


def test_only_what_was_answered_is_told():
    monitored = full().monitored
    data = {**monitored.data, "answers": monitored.data["answers"][:1]}
    said = words(replace(full(), monitored=replace(monitored, data=data)))
    assert "told of a fault" in said
    assert "asked for a person" not in said
