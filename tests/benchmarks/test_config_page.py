"""The reference of the configuration: every key of the schema has a comment and an example."""

import pytest

from benchmarks.config_page import REFERENCE, config_page, sections
from pipelines.config.settings import load_settings


@pytest.fixture
def reference(root):
    return (root / REFERENCE).read_text("utf-8")


def missing(reference):
    return [key for section in sections(reference) for key in section.missing()]


def test_every_key_of_the_schema_stands_in_the_reference_with_a_comment_above_it(reference):
    assert not missing(reference), f"add to {REFERENCE}, with a comment above each"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("  # LightGBM: leaves of a tree.\n", "training.num_leaves"),
        ("      - # File below `paths.data`.\n        path:", "sources.*.joins[].path"),
        ("# Where MLflow keeps runs and models.\n", "tracking"),
    ],
)
def test_a_key_without_a_comment_is_named(reference, line, key):
    assert line in reference
    bare = line.replace("# File below `paths.data`.\n        path", "path") if "- #" in line else ""
    assert missing(reference.replace(line, bare)) == [key]


def test_a_section_that_the_reference_lacks_is_named_by_its_keys(reference):
    start, end = reference.index("\n# Who may be contacted"), reference.index("\n# What a customer")
    lacking = missing(reference[:start] + reference[end:])
    assert {"contact", "Contact.cooldown_days", "ChannelUse.reach"} <= set(lacking)


def test_the_reference_is_a_valid_configuration(root, monkeypatch):
    monkeypatch.chdir(root)
    monkeypatch.setenv("STILLE_DB_URI", "postgresql://stille:secret@127.0.0.1/crm")
    for name in ("STILLE_MAIL", "STILLE_CHAT", "STILLE_PING"):
        monkeypatch.setenv(name, "https://127.0.0.1")
    settings = load_settings(REFERENCE)
    assert set(settings.sources) == {"customers", "contracts", "terminations", "contacts"}
    assert settings.list.split is not None


def test_the_committed_page_is_current(root, reference):
    committed = (root / "docs" / "configuration.md").read_text("utf-8")
    assert committed == config_page(reference, committed), "run: python -m benchmarks.config_page"
