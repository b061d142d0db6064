"""Everything that a list holds as a code has words in every language, and they read well."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from features.catalog import build_catalog
from features.contract import CHANNELS, OUTCOMES, PAYMENT_METHODS, TABLES
from features.errors import ConfigError
from models.competing_risks.model import OTHER
from pipelines.config.text_files import ACTIONS, Names, load_checked, load_titles, text_file
from pipelines.lists.actions import load_actions
from pipelines.lists.causes import CAUSE_FIELDS, EVIDENCE
from pipelines.lists.changes import CHANGE_FIELDS
from pipelines.lists.lanes import LANES, RULES
from pipelines.lists.list_columns import BANDS, FIELDS, QUALITIES
from pipelines.lists.night_lists import outcome_fields
from pipelines.lists.templates import DRIVERS, load_templates

LANGUAGES = ("en", "nb", "sv")
KINDS = ("reasons", "titles", "names", "letters", "report")
REPLACED = {
    "nb": r"(?<!\$)\b(?:drivkraft|[Dd]river(?! kundene)|Løp|Spor|Dom|[Ss]over|[Rr]obot)"
    r"|tilbakeholdt|[Bb]ehandle|om det samme|Per dato|Ringenummer|forveksle|spurt i det siste",
    "sv": r"[Dd]rivkraft|upp sig\b|upp dig\b|undanhåll|behandlade|\bSpår\b|Omdöme|[Ss]over|[Rr]obot"
    r"|spärregist|Ringnummer|Listans mening|tillstånd\b|slog till",
}
"""Words that others replaced: each list, letter and report says the same thing alike."""
CODES = {
    "families": {feature.family for feature in build_catalog(tuple(TABLES)).features},
    "drivers": {*DRIVERS},
    "bands": {*BANDS},
    "lanes": {*LANES},
    "qualities": {*QUALITIES},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_name_of_its_own(language: str) -> None:
    names = load_checked(text_file("names", language), Names, "the names")
    for kind, codes in CODES.items():
        named = getattr(names, kind)
        assert codes <= set(named), kind
        used = [named[code] for code in codes]
        assert len(set(used)) == len(codes), kind
        assert not [name for name in used if not name.strip() or "_" in name], kind


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_a_rule_a_cause_a_channel_and_a_column_has_words(language: str) -> None:
    report = yaml.safe_load(text_file("report", language).read_text(encoding="utf-8"))
    assert set(report["rules"]) >= set(RULES)
    assert set(report["lanes"]) >= set(LANES)
    assert set(report["causes"]) >= set(EVIDENCE)
    said = load_templates(text_file("reasons", language)).style.values
    assert set(said["preferred_channel"]) == set(CHANNELS)
    assert set(said["latest_payment_method"]) == set(PAYMENT_METHODS)
    lists = (FIELDS, CHANGE_FIELDS, CAUSE_FIELDS, outcome_fields((*OUTCOMES, OTHER)))
    columns = {field.name for fields in lists for field in fields}
    assert columns <= set(load_titles(text_file("titles", language)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_action_a_do_not_and_why_nothing_is_done_are_short_and_open_the_talk(
    language: str,
) -> None:
    rules = load_actions(ACTIONS)
    idle = [rule.nothing for rule in rules.drivers.values() if rule.nothing is not None]
    spoken = [action.opening for action in rules.actions.values()]
    for words in (*rules.actions.values(), *rules.do_not.values(), *idle, *spoken):
        assert 10 < len(words.text(language)) <= 140
    assert all(words.text(language)[-1] in ".?" for words in (*idle, *spoken))


def texts(content: object) -> Iterator[str]:
    """Every text of a file of words, whatever its depth."""
    if isinstance(content, dict):
        for each in content.values():
            yield from texts(each)
    elif isinstance(content, list):
        for each in content:
            yield from texts(each)
    elif isinstance(content, str):
        yield content


@pytest.mark.parametrize("language", ["nb", "sv"])
def test_one_word_for_one_thing_in_every_file(language: str) -> None:
    files = [text_file(kind, language) for kind in KINDS]
    said = [
        (path.parent.name, t) for path in files for t in texts(yaml.safe_load(path.read_text()))
    ]
    rules = load_actions(ACTIONS).model_dump()
    said += [("actions", t[language]) for t in words_of(rules)]
    assert len(said) > 500
    wrong = [(where, text) for where, text in said if re.search(REPLACED[language], text)]
    assert not wrong
    assert not [text for _, text in said if re.search(r"  |(?<=\s)-\d|\s[,.]", text)]


def words_of(content: object) -> Iterator[dict[str, str]]:
    """Every text of the rule table with its languages."""
    if isinstance(content, dict):
        if {"nb", "sv", "en"} <= set(content):
            yield content
        for each in content.values():
            yield from words_of(each)


def test_languages_name_the_same_codes() -> None:
    english, *others = (
        load_checked(text_file("names", language), Names, "the names") for language in LANGUAGES
    )
    for kind in CODES:
        for other in others:
            assert set(getattr(other, kind)) == set(getattr(english, kind)), kind


def test_actions_and_do_nots_give_no_cause_in_any_language() -> None:
    rules = load_actions(ACTIONS)
    said = [
        text
        for rule in (*rules.actions.values(), *rules.do_not.values())
        for text in (rule.nb, rule.sv, rule.en)
    ]
    assert len(said) > 90
    assert not [text for text in said if re.search(r"caus|fordi|derfor|eftersom|därför", text)]


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"fi\.yaml: cannot be read .No such file"):
        load_checked(tmp_path / "fi.yaml", Names, "the names")
    (tmp_path / "fi.yaml").write_text("families: {}\ncolours: {}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="colours"):
        load_checked(tmp_path / "fi.yaml", Names, "the names")
