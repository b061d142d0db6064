"""The customer's page: escaped, offline, of nobody else, with a why or a why-not for each lane."""

import html
import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from browser import chromium, look_at
from customer_pages import facts

from pipelines.config.settings import load_settings
from pipelines.explanation.page import render
from pipelines.explanation.story import load_words
from pipelines.lists.lanes import LANES, RULES
from pipelines.publication.reader import verify

NIGHT = {"model_version": "churn/3", "lanes": {"call": 1, "none": 9}}
HOSTILE = '<script>alert("1")</script>&\'{{ 7*7 }}'


@pytest.fixture
def settings(company):
    return company()


def shown(settings, found, language="en"):
    return render(settings, found, NIGHT, load_words(settings, language))


def text_of(shown_page):
    return html.unescape(re.sub(r"<[^>]+>|\s+", " ", shown_page))


def story(*rows):
    columns = ["day", "row", "bad", "size", "text"]
    frame = pd.DataFrame([*rows], columns=columns)
    return frame.assign(day=pd.to_datetime(frame["day"]), size=frame["size"].astype("float64"))


def test_a_called_customer_by_hand(settings):
    told = text_of(shown(settings, facts()))
    for words in (
        "Customer a",
        "Call the customer",
        "Number 1 on the call list. Call between 09:00 and 20:00.",
        "Do not push",
        "Open case S1",
        "Binding period until 1 July 2024",
        "phone (prefers e-mail)",
        "25 % (high), number 2 of 10",
        "Waited long. weighs much",
        "20 %",
    ):
        assert re.sub(r"\W+", "", words) in re.sub(r"\W+", "", told), words
    barred = shown(settings, facts(call_from=None))
    assert "Contact the customer, but not by phone" in barred


@pytest.mark.parametrize("language", ["en", "nb", "sv"])
@pytest.mark.parametrize("lane", LANES)
def test_each_lane_has_its_words(settings, language, lane):
    words = load_words(settings, language).texts
    assert words.page[lane] in text_of(shown(settings, facts(lane=lane), language))


@pytest.mark.parametrize("language", ["en", "nb", "sv"])
def test_each_rule_says_why_not(settings, language):
    words = load_words(settings, language)
    assert words.texts.rules.keys() == RULES.keys()
    for rule, text in words.texts.rules.items():
        found = facts(lane="suppressed", lane_rule=rule)
        assert text in html.unescape(render(settings, found, NIGHT, words)), rule


def test_everything_from_a_table_is_escaped(settings):
    texts = {"customer_id": HOSTILE, "product_line": HOSTILE, "segment": HOSTILE}
    texts |= dict.fromkeys(("open_case_id", "preferred_channel", "do", "do_not_text"), HOSTILE)
    found = facts(story(("2024-05-02", "case", True, None, HOSTILE)), **texts)
    [reason] = found.reasons
    found = replace(found, reasons=(reason | {"text": HOSTILE},))
    written = shown(settings, found)
    assert "<script" not in written
    assert "49" not in text_of(written)
    assert written.count("&lt;script&gt;") >= 9
    assert not re.search(r"(?:src|href)=|url\(|https?:", written.replace("{{ 7*7 }}", ""))


def test_household_is_named_as_about_others_only(settings):
    written = text_of(shown(settings, replace(facts(), household=True, reasons=())))
    assert "It is not shown, as it is about others." in written
    assert "No reason was found." in written


def test_the_opted_out_are_not_treated_by_their_score(settings):
    lane = {"lane": "suppressed", "lane_rule": "opted_out", "contact_block_reason": "opted_out"}
    assert "Call." not in shown(settings, facts(**lane))


def test_bills_of_one_amount_are_drawn_each_and_told_of_once(settings):
    bills = [(f"2024-0{month}-02", "bill", False, 100.0, "Bill of 1") for month in (5, 4, 3)]
    written = shown(settings, facts(story(*bills[:1], *bills[1:])))
    assert written.count('class="bill"><title>') == 3
    assert written.count("<td>Bill of 1</td>") == 1
    assert "2 March 2024" in written


@pytest.mark.skipif(chromium() is None, reason="no Chromium")
def test_a_browser_finds_it_readable_at_every_width(settings, tmp_path):
    rows = [(f"2024-0{n}-02", "bill", False, 9.0 * n, f"Bill {n}") for n in (5, 4, 3, 2)]
    rows.append(("2024-05-31", "case", True, None, "Case " + "x" * 40))
    found = look_at(
        shown(settings, facts(story(*rows)), "sv"), {"phone": 390, "desk": 1200}, 680, tmp_path
    )
    for look in found.values():
        assert look["scrolls"] <= look["width"]
        assert look["contrast"] >= 4.5


def test_any_customer_of_a_list_has_a_page_and_an_answer(demo, published, stille, tmp_path):
    listed = pd.read_parquet(published.publication.folder / "risk_list.parquet")
    peace = listed[listed["lane"].eq("leave_in_peace")].iloc[-1]
    file, customer = tmp_path / "new" / "page.html", peace["customer_id"]
    ended = stille("explain", customer, "--html", file, "--language", "sv", "--config", demo.config)
    assert ended.code == 0, ended.err
    written = file.read_text("utf-8")
    rule = load_words(load_settings(demo.config), "sv").texts.rules[peace["lane_rule"]]
    assert rule in html.unescape(written)
    assert not set(re.findall(r"C\d{7}", written)) - {customer}
    ended = stille("explain", customer, "--json", "--config", demo.config)
    answer = json.loads(ended.out)
    assert (answer["lane"], answer["lane_rule"]) == ("leave_in_peace", peace["lane_rule"])
    assert answer["story"]
    assert [night["lane"] for night in answer["nights"]] == ["leave_in_peace"]


def test_a_night_publishes_the_pages_of_the_called(demo, published, stille, tmp_path):
    config = demo.config_in(tmp_path, list={"call_pages": True})
    ended = stille("nightly", "--config", config, "--as-of", demo.as_of, "--plain")
    assert ended.code == 0, ended.err
    current = tmp_path / "out" / "current"
    manifest = verify(current)
    lists = (pd.read_parquet(current / f"{name}.parquet") for name in ("call_list", "write_list"))
    called = pd.concat(lists).sort_values("call_rank")
    pages = sorted(path.name for path in (current / "call_pages").iterdir())
    expected = zip(called["call_rank"], called["customer_id"], strict=True)
    assert pages == [f"{rank:05d}-{who}.html" for rank, who in expected]
    assert {f"call_pages/{name}" for name in pages} <= {r["path"] for r in manifest["resources"]}
    for name in pages[:20]:
        written = (current / "call_pages" / name).read_text("utf-8")
        assert not set(re.findall(r"C\d{7}", written)) - {name[6:-5]}
    assert not list(published.publication.folder.glob("call_pages"))
    cards = pd.read_parquet(current / "inbound.parquet")
    assert cards["customer_id"].is_monotonic_increasing
    assert set(called["customer_id"]) & set(cards["customer_id"])
