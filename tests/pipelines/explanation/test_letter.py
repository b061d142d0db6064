"""The answer to a customer's own request: plain words, the customer's own data, checked figures."""

import re
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd
import pytest

from features.contract import TABLES
from features.errors import ConfigError
from pipelines.config.settings import load_settings
from pipelines.config.text_files import ACTIONS, text_file
from pipelines.explanation.answers import explain_customer
from pipelines.explanation.counterfactual import outlook
from pipelines.explanation.letter import Letter, load_letter, recipients, retention
from pipelines.lists.actions import load_actions
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of

LANGUAGES = ("en", "nb", "sv")
FILLED = {
    "asked": {"company", "day"},
    "data_row": {"table", "count", "first", "last"},
    "data_day": {"table", "count", "first"},
    "data_undated": {"table", "count"},
    "score": {"percent", "start", "end", "average"},
    "band": {"band"},
    "would": {"change", "then", "now"},
    "kept_text": {"months"},
    "kept_untold": {"company"},
    "recipients_text": {"company", "recipients"},
    "recipients_nobody": {"company"},
    "recipients_untold": {"company"},
    "rights_text": {"company"},
}
CAUSAL = (
    r"because|caus|due to|therefore|fordi|derfor|på grunn av|skyldes|eftersom|därför|på grund av"
)
JARGON = r"SHAP|log-odds|median|modell|model|feature|booster|LightGBM|_"


def texts(letter: Letter) -> dict[str, str]:
    said = letter.model_dump()
    tables, changes = said.pop("tables"), said.pop("changes")
    return said | {f"tables.{k}": v for k, v in tables.items()} | changes


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_in_plain_words_and_gives_no_cause(language: str) -> None:
    letter = load_letter(text_file("letters", language))
    for name, text in texts(letter).items():
        assert set(Template(text).get_identifiers()) == FILLED.get(name, set()), name
        assert not re.search(CAUSAL, text, re.IGNORECASE), name
        assert not re.search(JARGON, text), name
    acted = {d for d, rule in load_actions(ACTIONS).drivers.items() if rule.actions}
    assert set(letter.changes) == acted
    held = {name for name, table in TABLES.items() if table.per_customer}
    assert set(letter.tables) >= held - {"labels", "contact_bars", "reservations"}


@pytest.mark.parametrize(
    ("privacy", "how_long", "by_whom"),
    [
        ({}, "does not say how long", "does not say whether others receive it"),
        ({"kept_months": 13, "recipients": []}, "for up to 13 months", "to nobody outside Test"),
        ({"recipients": ["CRM AS", "Ring AS"]}, "does not say", "we give it to: CRM AS, Ring AS."),
    ],
)
def test_how_long_it_is_kept_and_who_receives_it_are_told_or_said_to_be_untold(
    company, privacy, how_long, by_whom
):
    settings, letter = company(privacy=privacy), load_letter(text_file("letters", "en"))
    assert how_long in retention(settings, letter)
    assert by_whom in recipients(settings, letter)


def test_a_broken_letter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"fi\.yaml: cannot be read .No such file"):
        load_letter(tmp_path / "fi.yaml")
    (tmp_path / "fi.yaml").write_text("title: Hei\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not a letter's texts"):
        load_letter(tmp_path / "fi.yaml")


def test_what_would_change_the_score_is_computed_with_the_cohorts_medians(
    demo, published, tmp_path
):
    settings = load_settings(demo.config)
    listed = pd.read_parquet(published.publication.folder / "risk_list.parquet")
    found = explain_customer(demo.config, listed["customer_id"][0])
    seen = outlook(settings, found)
    assert seen
    snapshot = found.case.snapshot
    job = MatrixJob(catalog_of(settings.sources, snapshot), (demo.as_of,))
    parts = build_matrix(settings, snapshot, job, tmp_path, lambda: None)
    cohort = pd.concat([pd.read_parquet(part.features) for part in parts])
    for driver, probability in seen:
        columns = [c for c in found.case.model.spec.columns if c.driver == driver]
        names = [c.name for c in columns if c.kind == "number"]
        if driver == "complaint":
            names = [name for name in names if name.startswith("open_")]
        usual = cohort[names].median().where(cohort[names].notna().mean() > 0.5)
        theirs = found.case.model.probability_with(found.row, usual.to_dict())
        assert probability == pytest.approx(theirs, abs=1e-9)
        assert found.probability - probability >= 0.005
    assert np.all(np.diff([probability for _, probability in seen]) >= 0)


@pytest.mark.parametrize(
    ("language", "household"),
    [
        ("sv", "hushåll"),
        pytest.param("nb", "husstand", marks=pytest.mark.proof),
        pytest.param("en", "household", marks=pytest.mark.proof),
    ],
)
def test_the_letter_has_this_customers_data_only(demo, published, stille, language, household):
    listed = pd.read_parquet(published.publication.folder / "risk_list.parquet")
    drivers = ["reason_1_driver", "reason_2_driver", "reason_3_driver"]
    of_others = listed[listed[drivers].eq("household").any(axis=1)]["customer_id"]
    customer = of_others.iloc[0] if len(of_others) else listed["customer_id"][0]
    row = listed.set_index("customer_id").loc[customer]
    ended = stille("explain", customer, "--plain", "--language", language, "--config", demo.config)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[0] == load_letter(text_file("letters", language)).title
    assert not re.search(CAUSAL, ended.out, re.IGNORECASE)
    assert "$" not in ended.out
    assert "24" in ended.out
    assert not (set(re.findall(r"C\d{7}", ended.out)) - {customer})
    shares = re.findall(r"(\d+(?:[.,]\d)?) ?%", ended.out)
    percent = 100 * row["churn_probability"]
    assert min(abs(float(s.replace(",", ".")) - percent) for s in shares) <= 0.5
    told = [line for line in ended.out.splitlines() if household in line]
    assert not [line for line in told if re.search(r"\d{4}", line)]
