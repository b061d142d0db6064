"""The answer to a customer's own request: plain words, the customer's own data, checked figures."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.contract import TABLES
from features.errors import ConfigError
from pipelines.config.settings import load_settings
from pipelines.config.text_files import ACTIONS, text_file
from pipelines.explanation.answers import explain_customer
from pipelines.explanation.letter import load_letter, outlook
from pipelines.lists.actions import load_actions
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of

LANGUAGES = ("en", "nb", "sv")
NOBODY = {
    **dict.fromkeys(("company", "day", "percent", "average", "start", "end", "band"), "X"),
    **dict.fromkeys(("used", "attributes", "raising", "lowering", "changes", "recipients"), ()),
    "months": 13,
}
CAUSAL = (
    r"because|caus|due to|therefore|fordi|derfor|på grunn av|skyldes|eftersom|därför|på grund av"
)
JARGON = r"SHAP|log-odds|median|modell|model|feature|booster|LightGBM|_"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_in_plain_words_and_gives_no_cause(language: str) -> None:
    letter = load_letter(text_file("letters", language))
    said = re.sub(r"\{[{%].*?[%}]\}", "", letter.letter)
    for text in (said, *letter.tables.values(), *letter.changes.values()):
        assert not re.search(CAUSAL, text, re.IGNORECASE), text
        assert not re.search(JARGON, text), text
    acted = {d for d, rule in load_actions(ACTIONS).drivers.items() if rule.actions}
    assert set(letter.changes) == acted
    held = {name for name, table in TABLES.items() if table.per_customer}
    assert set(letter.tables) >= held - {"labels", "contact_bars", "reservations"}


@pytest.mark.parametrize(
    ("privacy", "told"),
    [
        ({"months": None, "recipients": None}, "does not say how long"),
        ({"months": None, "recipients": None}, "does not say whether others receive it"),
        ({}, "for up to 13 months"),
        ({}, "to nobody outside X."),
        ({"recipients": ["CRM AS", "Ring AS"]}, "we give it to: CRM AS, Ring AS."),
    ],
)
def test_how_long_it_is_kept_and_who_receives_it_are_told_or_said_to_be_untold(privacy, told):
    assert told in load_letter(text_file("letters", "en")).fill(**NOBODY | privacy)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_tells_every_table_attribute_and_change(language):
    letter = load_letter(text_file("letters", language))
    used = [
        {"table": "Bills", "count": "7", "first": "1 May", "last": "2 May"},
        {"table": "Use", "count": "8", "first": "3 May", "last": "3 May"},
        {"table": "Cases", "count": "9", "first": None, "last": None},
        {"table": "Others", "count": None, "first": None, "last": None},
    ]
    facts = {"attributes": [("Pets", "{{ 2 }}")], "raising": ["Up."], "lowering": ["Down."]}
    lines = letter.fill(**NOBODY | facts | {"used": used, "changes": [("waited", "5%")]}).split(
        "\n"
    )
    rows = [re.findall(r"[A-Z]\w+|\d", line.replace(" May", "")) for line in lines if "–" in line]
    assert rows[:4] == [
        ["Bills", "7", "1", "2"],
        ["Use", "8", "3"],
        ["Cases", "9"],
        ["Others"],
    ]
    assert {"– Pets: {{ 2 }}", "– Up.", "– Down."} <= {*lines}
    assert any("waited" in line and "5%" in line for line in lines)


def test_a_broken_letter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"fi\.yaml: cannot be read .No such file"):
        load_letter(tmp_path / "fi.yaml")
    (tmp_path / "fi.yaml").write_text("title: Hei\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not a letter's texts"):
        load_letter(tmp_path / "fi.yaml")
    english = text_file("letters", "en").read_text("utf-8")
    for old, new, fault in (
        ("{{ band }}", "{{ bend }}", "the letter lacks, or does not know: band, bend"),
        ("{{ day }}", "{{ day }", "line 2 of the letter"),
    ):
        (tmp_path / "fi.yaml").write_text(english.replace(old, new), encoding="utf-8")
        with pytest.raises(ConfigError, match=fault):
            load_letter(tmp_path / "fi.yaml")


def test_what_would_change_the_score_is_computed_with_the_cohorts_medians(
    demo, published, tmp_path
):
    settings = load_settings(demo.config)
    listed = pd.read_parquet(published.publication.folder / "risk_list.parquet")
    found = explain_customer(demo.config, listed["customer_id"][0])
    seen = outlook(found)
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
    letter = load_letter(text_file("letters", language))
    ended = stille("explain", customer, "--plain", "--language", language, "--config", demo.config)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[0] == letter.letter.splitlines()[0]
    assert not re.search(CAUSAL, ended.out, re.IGNORECASE)
    assert "{" not in ended.out
    assert "24" in ended.out
    assert not (set(re.findall(r"C\d{7}", ended.out)) - {customer})
    shares = re.findall(r"(\d+(?:[.,]\d)?) ?%", ended.out)
    percent = 100 * row["churn_probability"]
    assert min(abs(float(s.replace(",", ".")) - percent) for s in shares) <= 0.5
    told = [line for line in ended.out.splitlines() if household in line]
    assert not [line for line in told if re.search(r"\d{4}", line)]
