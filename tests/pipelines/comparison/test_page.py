"""Two runs side by side: every difference told, from either direction, and nothing can run."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.comparison.difference import compare, render
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
        },
        pictures={"plots/calibration.png": b"one", "plots/gains.png": b"two"},
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


def scores(y, p):
    rows = {"customer_id": [f"C{i // 2}" for i in range(len(y))], "as_of": np.arange(len(y)) % 2}
    return pd.DataFrame({**rows, "label": y, "probability": p})


def judged(step, n=4_000):
    """Scores of A and of B, which knows ``step`` more of each customer."""
    rng = np.random.default_rng(1)
    known, more = rng.normal(-2, 1, n), rng.normal(0, step, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-known - more))).astype("int8")
    return tuple(scores(y, 1 / (1 + np.exp(-z))) for z in (known, known + more))


@pytest.mark.parametrize(
    ("step", "better"), [(0.0, "no difference"), (0.01, "no difference"), (1.0, "B")]
)
def test_a_difference_is_one_where_its_paired_interval_leaves_zero_out(step, better):
    a, b = judged(step)
    runs = [
        logged(metrics={"auc": auc, "log_loss": loss})
        for auc, loss in ((0.7, 0.4), (0.7001, 0.399))
    ]
    for x, y, expected in ((a, b, better), (b, a, better.replace("B", "A"))):
        found = compare(*runs, x, y)
        assert found.unpaired == ""
        told = {m.name: m for m in found.metrics}
        assert {told[name].better for name in ("auc", "log_loss")} == {expected}
        for metric in told.values():
            low, high = metric.paired
            assert (low <= 0 <= high) is (expected == "no difference")
        assert ("no difference" in render(found).split("</p>")[0]) is (expected == "no difference")


def test_a_paired_interval_is_narrower_than_that_of_two_samples():
    a, b = judged(0.2)
    found = compare(A, B, a, b)
    low, high = next(m.paired for m in found.metrics if m.name == "auc")
    assert 0 < high - low < 0.5 * (0.72 - 0.68)


def test_the_better_slope_is_nearer_to_one():
    rng = np.random.default_rng(2)
    z = rng.normal(-1, 1, 6_000)
    y = (rng.random(len(z)) < 1 / (1 + np.exp(-z))).astype("int8")
    right, bold = (scores(y, 1 / (1 + np.exp(-slope * z))) for slope in (1.0, 2.5))
    runs = [logged(metrics={"calibration_slope": slope}) for slope in (1.0, 0.4)]
    [metric] = compare(*runs, right, bold).metrics
    assert (metric.better, metric.difference) == ("A", pytest.approx(0.6))
    assert 0.4 < metric.paired[0] < metric.paired[1] < 0.8


def test_every_difference_is_told():
    found = compare(A, B)
    assert found.same_rows
    metrics = {m.name: m for m in found.metrics}
    assert [m.name for m in found.metrics] == ["auc", "calibration_slope", "log_loss", "rows"]
    assert metrics["auc"].difference == pytest.approx(0.02)
    assert metrics["auc"].better == ""
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
    a, b = judged(1.0)
    one, other = compare(A, B, a, b), compare(B, A, b, a)
    assert one.features["added"] == other.features["removed"]
    mirrored = {"A": "B", "B": "A", "": "", "no difference": "no difference"}
    theirs = {m.name: m for m in other.metrics}
    for metric in one.metrics:
        assert theirs[metric.name].better == mirrored[metric.better]
        if metric.difference is not None:
            assert theirs[metric.name].difference == -metric.difference


def test_a_run_does_not_differ_from_itself():
    a, _ = judged(1.0)
    found = compare(A, A, a, a)
    assert (found.parameters, found.features["added"], found.features["changed"]) == ([], (), ())
    assert {m.better for m in found.metrics} == {"no difference", ""}
    assert "no difference: log loss 0.20000 of A and 0.20000 of B" in render(found)


def test_runs_judged_on_other_rows_are_marked():
    page = render(compare(A, logged(key="other", metrics={"log_loss": 0.1})))
    assert "different test rows" in page
    assert 'class="verdict bad"' in page
    assert 'class="verdict bad"' not in render(compare(A, B))


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
    assert len(sources) == 4
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"https?:", html)
    without = replace(A, pictures={})
    assert "<img" not in render(compare(without, without))


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
