"""No false green: terminal, report, manifest and doctor tell the same of a night."""

import re
from html import unescape

import pytest

from pipelines.publication.reader import current, verify


@pytest.fixture
def night_output(demo, tmp_path, stille):
    """What is told of a night of the company with other ``sections``, by who tells it."""

    def run(**sections):
        sections["list"] = {"languages": ["en"], **sections.get("list", {})}
        config = demo.config_in(tmp_path, **sections)
        night = stille("nightly", "--plain", "--config", config, "--as-of", demo.as_of)
        assert night.code == 0, night.err
        folder = current(tmp_path / "out").folder
        found = {
            "terminal": night.out,
            "report": re.sub(r"<[^>]+>", "", unescape((folder / "report.html").read_text("utf-8"))),
            "doctor": stille("doctor", "--json", "--config", config).out,
        }
        return config, verify(folder)["stille"]["status"], found

    return run


def test_a_night_in_order_is_called_so_by_all(night_output):
    _, status, found = night_output()
    assert status == {"tone": "good", "notices": []}
    for who, said in found.items():
        assert "In order. Tonight's lists are ready to use." in said, who


def test_a_night_whose_bars_and_register_are_not_known_is_amber(night_output):
    config, status, found = night_output(sources={"contact_bars": None, "reservations": None})
    assert status["tone"] == "look"
    codes = [notice["code"] for notice in status["notices"]]
    assert codes[:2] == ["no_contact_bars", "no_reservations"]
    for who, said in found.items():
        assert "no list respects an objection" in said, who
        assert "nobody may be contacted by phone or post" in said, who
        assert f"stille check --config {config}" in said, who
        assert "ready to use" not in said, who


def test_a_night_with_time_left_and_an_old_register_is_amber(night_output):
    config, status, found = night_output(
        list={"capacity_minutes": 1e6}, contact={"register_days": 1}
    )
    figures = {notice["code"]: notice["figure"] for notice in status["notices"]}
    assert {*figures} == {"register_old", "unused_minutes"}
    assert 900_000 < figures["unused_minutes"] < 1_000_000
    for who, said in found.items():
        assert f"unused: {figures['unused_minutes']:,.0f}" in said, who
        assert f"by phone or post: {figures['register_old']:,.0f}" in said, who
        assert f"stille nightly --config {config}" in said, who


def test_a_night_without_a_call_is_amber(night_output):
    config, status, found = night_output(contact={"legal_basis": {}})
    [notice] = status["notices"]
    assert (notice["code"], notice["rule"]) == ("nobody_called", "no_consent")
    for who, said in found.items():
        assert "The call list is empty." in said, who
        assert f"stille explain --config {config} CUSTOMER" in said, who
