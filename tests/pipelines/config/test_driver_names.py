"""Everything that a list holds as a code has a name in every language."""

import re
from pathlib import Path

import pytest

from features.catalog import build_catalog
from features.contract import TABLES
from features.errors import ConfigError
from pipelines.config.text_files import ACTIONS, load_names, text_file
from pipelines.lists.actions import load_actions
from pipelines.lists.lanes import LANES
from pipelines.lists.list_columns import BANDS, QUALITIES
from pipelines.lists.templates import DRIVERS

LANGUAGES = ("en", "nb", "sv")
CODES = {
    "families": {feature.family for feature in build_catalog(tuple(TABLES)).features},
    "drivers": {*DRIVERS},
    "bands": {*BANDS},
    "lanes": {*LANES},
    "qualities": {*QUALITIES},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_name_of_its_own(language: str) -> None:
    names = load_names(text_file("names", language))
    for kind, codes in CODES.items():
        named = getattr(names, kind)
        assert codes <= set(named), kind
        used = [named[code] for code in codes]
        assert len(set(used)) == len(codes), kind
        assert not [name for name in used if not name.strip() or "_" in name], kind


def test_languages_name_the_same_codes() -> None:
    english, *others = (load_names(text_file("names", language)) for language in LANGUAGES)
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
    with pytest.raises(ConfigError, match=r"fi\.yaml: No such file"):
        load_names(tmp_path / "fi.yaml")
    (tmp_path / "fi.yaml").write_text("families: {}\ncolours: {}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="colours"):
        load_names(tmp_path / "fi.yaml")
