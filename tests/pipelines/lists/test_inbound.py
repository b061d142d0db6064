"""The inbound card: whose it is, which reasons, what to do, by hand on a few rows."""

import pandas as pd
import pytest
from stamps import STAMP

from pipelines.config.text_files import ACTIONS
from pipelines.lists.actions import load_actions
from pipelines.lists.inbound import INBOUND_FIELDS, in_words, inbound_rows, write_inbound
from pipelines.lists.night_lists import NightLists
from pipelines.lists.permissions import Permissions

RULES = load_actions(ACTIONS)


def row(customer, drivers, action=None, do_not=None, block=None):
    slots = [*drivers, None, None, None][:3]
    named = {f"reason_{n}_driver": driver for n, driver in enumerate(slots, start=1)}
    texts = {f"reason_{n}_text": d and f"{d}." for n, d in enumerate(slots, start=1)}
    rest = {"suggested_action": action, "do_not": do_not, "contact_block_reason": block}
    return {"customer_id": customer, "open_case_id": None, **named, **texts, **rest}


def frame(*rows):
    return pd.DataFrame([*rows], index=range(10, 10 + len(rows))).astype("str")


def cards(*rows, language="en"):
    return inbound_rows(frame(*rows), RULES, language).astype(object).set_index("customer_id")


def test_the_first_two_reasons_that_somebody_can_act_on():
    found = cards(
        row("b", ["tenure", "household", "unresolved_case"], "A6", "call_closed_resolved"),
        row("a", ["wait", "noise", "repeat_contact"], "A9", "answer_with_bot;add_noise;ask_again"),
        row("c", ["household", "tenure"]),
        row("d", []),
    )
    assert [*found.index] == ["a", "b"]
    assert [*found.loc["a", ["reason_1_text", "reason_2_text"]]] == ["wait.", "noise."]
    assert found.loc["b", "reason_1_text"] == "unresolved_case."
    assert pd.isna(found.loc["b", "reason_2_text"])
    assert found.loc["a", "do"] == "Personal call by an agent with a mandate to finish"
    assert found.loc["a", "do_not"] == (
        "Do not answer with a bot only; Do not send more generic offers; "
        "Do not ask the customer to explain again"
    )
    assert found.loc["a", "review"] == "Full review at the customer's next contact"
    assert pd.isna(found.loc["b", "review"])


def test_words_are_of_the_language():
    [card] = cards(row("a", ["binding"], "A13", "extend_binding"), language="sv").itertuples()
    assert card.do == "Prata om förnyelse innan avtalet förnyas eller bindningstiden går ut"
    assert card.do_not == "Förläng inte bindningstiden automatiskt"


def test_the_vulnerable_are_offered_nothing_but_helped():
    found = cards(
        row("a", ["binding"], "A13", block="vulnerable"),
        row("b", ["unresolved_case"], "A6", block="vulnerable"),
        row("c", ["binding"], "A13", block="reserved"),
    )
    assert found["do"].notna().to_dict() == {"a": False, "b": True, "c": True}


def test_a_review_that_a_rule_forbids_is_none():
    do_not = RULES.do_not | {
        "ask_again": RULES.do_not["ask_again"].model_copy(update={"forbids": ("A7",)})
    }
    rules = RULES.model_copy(update={"do_not": do_not})
    rows = frame(
        row("a", ["repeat_contact"], "A6", "ask_again"), row("b", ["repeat_contact"], "A7")
    )
    assert in_words(rows, rules, "en")["review"].notna().tolist() == [False, True]
    assert in_words(rows, rules, "en")["do"].notna().tolist() == [True, False]


@pytest.mark.parametrize("flag", ["opted_out", "unread"])
def test_who_objects_or_cannot_be_read_has_no_card(company, tmp_path, flag):
    rows = frame(row("b", ["wait"], "A9", block="open_complaint"), row("a", ["wait"], "A9"))
    rows = rows.assign(schema_version="1", run_id="r", as_of_date=pd.Timestamp("2024-05-02"))
    # Permissions go by the scores, in another order than the list's.
    ids = pd.Series(["a", "b"])
    asked = pd.DataFrame({"opted_out": [False, False], "unread": [False, False]}, dtype="boolean")
    asked.loc[1, flag] = True
    settings = company()
    lists = NightLists({}, STAMP, rows, settings.list, tmp_path)
    permissions = Permissions(asked, None)
    written = write_inbound(settings, ids, permissions, lists)
    assert pd.read_parquet(tmp_path / "inbound.parquet")["customer_id"].tolist() == ["a"]
    assert written.schemas["inbound.csv"] == INBOUND_FIELDS
