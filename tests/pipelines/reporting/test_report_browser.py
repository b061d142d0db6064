"""The report as people see it: opened in a browser at three widths, and printed on A4."""

import re

import pytest

from pipelines.reporting.write import DETAILS, render, texts_of
from tests.helpers.browser import look_at, print_to_pdf, printed_depths
from tests.helpers.reports import bare, full, many

pytestmark = pytest.mark.usefixtures("chromium")
WIDTHS = {"desk": 1280, "tablet": 880, "phone": 390}
PRINTABLE = round((210 - 2 * 15) / 25.4 * 96)
LONG = "Rosenborg" * 12


def found_in(facts, language, folder):
    return look_at(render(facts, texts_of(language), {}), WIDTHS, PRINTABLE, folder)


@pytest.mark.parametrize(
    ("facts", "language"),
    [(full(LONG, LONG), "nb"), (full(), "en"), (bare(), "sv")],
    ids=["long", "full", "bare"],
)
def test_nothing_overflows_and_everything_can_be_read(facts, language, tmp_path):
    found = found_in(facts, language, tmp_path)
    assert {name: each["width"] for name, each in found.items()} == {
        **WIDTHS,
        "printed": PRINTABLE,
    }
    for name, each in found.items():
        assert each["sections"] == ["status", "tonight", "answers", *DETAILS], name
        assert each["broken"] == [], name
        assert each["outside"] == [], name
        assert each["split"] == [], name
        assert each["scrolls"] <= each["width"], name
        assert each["contrast"] >= 4.5, name
        assert each["text"] > 2000, name
        assert all(each["pictures"]), name
    assert len(found["desk"]["pictures"]) == (0 if facts.monitored.data is None else 3)


def test_the_looker_sees_overflow_pale_text_and_dead_links(tmp_path):
    page = (
        '<body style="margin:0"><h2 id="a">A</h2><a href="#b">b</a>'
        '<p style="color:#999">pale</p><div style="width:700px">wide</div></body>'
    )
    found = look_at(page, {"phone": 390}, PRINTABLE, tmp_path)["phone"]
    assert found["outside"] == ["DIV wide"]
    assert found["scrolls"] == 700
    assert found["broken"] == ["b"]
    assert found["contrast"] == pytest.approx(2.85, abs=0.01)


def test_it_prints_on_a4_pages(tmp_path):
    page = tmp_path / "report.html"
    page.write_text(render(full(), texts_of("en"), {}), encoding="utf-8")
    pdf = print_to_pdf(page, tmp_path / "report.pdf")
    assert pdf.startswith(b"%PDF")
    sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert 5 <= len(sizes) <= 9
    for width, height in sizes:
        assert float(width) == pytest.approx(595.3, abs=1)
        assert float(height) == pytest.approx(841.9, abs=1)


@pytest.mark.parametrize("language", ["nb", "sv", "en"])
@pytest.mark.parametrize("facts", [full(), bare(), many()], ids=["full", "bare", "many"])
def test_answers_are_the_first_page_and_no_page_is_nearly_empty(language, facts, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(render(facts, texts_of(language), {}), encoding="utf-8")
    depths = printed_depths(print_to_pdf(page, tmp_path / "report.pdf"))
    assert min(depths) > 1 / 3, depths
    assert len(depths) <= 9
