"""Two runs side by side: every difference told, from either direction, and nothing can run."""

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.comparison.difference import compare
from pipelines.comparison.page import render
from pipelines.tracking.runs import Logged


def logged(label="churn/1", run_id="a" * 32, key="same", spec=(), drivers=None, **values):
    return Logged(
        label=label,
        run_id=run_id,
        params=values.get("params", {}),
        metrics=values.get("metrics", {}),
        tags={"test_key": key, "known_before": "2024-06-01", "leak_warning": "none"},
        facts={
            "scorecard.json": {"model": {"auc": {"value": 0.7, "low": 0.68, "high": 0.72}}},
            "drivers.json": drivers or {},
            "feature_spec.json": {"columns": list(spec)},
            "curves.json": {
                "calibration": {
                    "predicted": [0.1, 0.2],
                    "observed": [0.1, 0.3],
                    "low": [0.05, 0.2],
                    "high": [0.2, 0.4],
                },
                "gains": {"share": [0, 0.5, 1], "found": [0, 0.8, 1]},
            },
        },
    )


def column(name, definition="x", sign=1):
    return {
        "name": name,
        "kind": "number",
        "driver": "d",
        "family": "price",
        "sign": sign,
        "definition": definition,
        "vocabulary": [],
    }


A = logged(
    params={"rows": "10", "rate": "0.1", "old": "1"},
    metrics={"auc": 0.7, "auc_low": 0.68, "auc_high": 0.72, "log_loss": 0.2, "rows": 3.0},
    spec=[column("same"), column("gone"), column("changed"), column("turned")],
    drivers={"wait": 0.5, "price": 0.3, "bill": 0.1},
)
B = logged(
    label="churn/2",
    params={"rows": "10", "rate": "0.2", "new": "2"},
    metrics={"auc": 0.72, "log_loss": 0.21, "calibration_slope": 0.9},
    spec=[column("same"), column("new"), column("changed", "y"), column("turned", sign=-1)],
    drivers={"price": 0.6, "wait": 0.2, "satisfaction": 0.1},
)


def test_every_difference_is_told():
    found = compare(A, B)
    assert found.same_rows
    metrics = {m.name: m for m in found.metrics}
    assert [m.name for m in found.metrics] == ["auc", "calibration_slope", "log_loss", "rows"]
    assert metrics["auc"].difference == pytest.approx(0.02)
    assert (metrics["auc"].better, metrics["log_loss"].better) == ("B", "A")
    assert metrics["auc"].a_interval == (0.68, 0.72)
    assert (metrics["calibration_slope"].difference, metrics["rows"].better) == (None, "")
    assert [(p["name"], p["a"], p["b"]) for p in found.parameters] == [
        ("new", None, "2"),
        ("old", "1", None),
        ("rate", "0.1", "0.2"),
    ]
    assert found.features["added"] == ("new",)
    assert found.features["removed"] == ("gone",)
    assert found.features["changed"] == ("changed", "turned")
    assert [(rank["driver"], rank["a"], rank["b"]) for rank in found.ranks] == [
        ("price", 2, 1),
        ("wait", 1, 2),
        ("satisfaction", None, 3),
        ("bill", 3, None),
    ]


def test_the_other_way_round_is_the_mirror():
    one, other = compare(A, B), compare(B, A)
    assert one.features["added"] == other.features["removed"]
    mirrored = {"A": "B", "B": "A", "": "", "same": "same"}
    theirs = {m.name: m for m in other.metrics}
    for metric in one.metrics:
        assert theirs[metric.name].better == mirrored[metric.better]
        if metric.difference is not None:
            assert theirs[metric.name].difference == -metric.difference


def test_a_run_does_not_differ_from_itself():
    found = compare(A, A)
    assert (found.parameters, found.features["added"], found.features["changed"]) == ([], (), ())
    assert {m.better for m in found.metrics} <= {"same", ""}
    assert "Both have a log loss of 0.20000" in render(found)


def test_runs_judged_on_other_rows_are_marked():
    page = render(compare(A, logged(key="other", metrics={"log_loss": 0.1})))
    assert "different test rows" in page
    assert 'class="verdict bad"' in page
    assert 'class="verdict bad"' not in render(compare(A, B))


@pytest.mark.parametrize(
    ("a", "b", "better"), [(0.9, 1.2, "A"), (1.3, 0.8, "B"), (0.9, 0.9, "same")]
)
def test_the_better_slope_is_nearer_to_one(a, b, better):
    found = compare(
        logged(metrics={"calibration_slope": a}), logged(metrics={"calibration_slope": b})
    )
    assert found.metrics[0].better == better


class Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs


@given(st.text(max_size=30) | st.just("<script>alert(1)</script>\"'{{ 7*7 }}"))
def test_no_name_can_mark_up_the_page(text):
    def page(word):
        run = logged(params={"p": word}, spec=[column(word)], drivers={word: 1.0})
        other = logged(label=f"churn/{word}")
        run.facts.pop("curves.json")
        return Page(render(compare(run, other)))

    hostile, plain = page(text), page("word")
    assert hostile.tags == plain.tags
    assert [name for name, _ in hostile.attributes] == [name for name, _ in plain.attributes]


def test_the_page_is_one_file_without_scripts_or_addresses():
    html = render(compare(A, B))
    page = Page(html)
    assert {"script", "iframe", "object", "link", "form"}.isdisjoint(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    sources = [value for name, value in page.attributes if name in ("src", "href")]
    assert len(sources) == 2
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert not re.search(r"https?:", html)
    without = logged()
    without.facts.pop("curves.json")
    assert "<img" not in render(compare(A, without))


def test_runs_are_found_by_alias_version_and_id(stille, demo, trained):
    registered = trained.registered
    names = ["champion", registered.version, registered.run_id]
    pages = []
    for name in names:
        ended = stille("compare", "champion", name, "--json", "--config", demo.config)
        assert ended.code == 0, ended.err
        pages.append(json.loads(ended.out))
    assert {each["b"]["run_id"] for each in pages} == {registered.run_id}
    assert all(each["parameters"] == [] for each in pages)
    assert pages[0]["same_test_rows"] is True
    assert (demo.var / "compare" / "churn-1-and-churn-1.html").is_file()
    shown = stille("compare", "1", "champion", "--config", demo.config)
    assert "Page: " in shown.out


@pytest.mark.parametrize("name", ["77", "nobody", "f" * 32, "../x", ""])
def test_an_unknown_run_is_refused_with_what_there_is(stille, demo, trained, name):
    ended = stille("compare", "champion", name, "--config", demo.config)
    assert ended.code == 2
    assert "aliases: champion" in ended.err.replace("\n", " ")
