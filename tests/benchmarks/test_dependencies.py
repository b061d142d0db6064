"""What Stille stands on: each direct dependency has its reason, each locked package its row."""

import json
import re

from benchmarks.dependencies import direct, findings, licence, locked


def rows(page, section):
    table = page.partition(section)[2].partition("\n## ")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]


def test_each_direct_dependency_says_why_it_is_there(root):
    found = list(direct((root / "pyproject.toml").read_text("utf-8")))
    assert len(found) > 40
    assert [each.name for each in found if not each.why] == [], "say why in a comment behind it"


def test_the_page_has_every_package_with_the_versions_of_the_lock(root):
    page = (root / "docs" / "dependencies.md").read_text("utf-8")
    versions = locked((root / "requirements.lock").read_text("utf-8"))
    wanted = list(direct((root / "pyproject.toml").read_text("utf-8")))
    shown = {row[0]: row[1] for row in rows(page, "## The others\n")[1:]}
    direct_rows = rows(page, "## Direct dependencies\n")[1:]
    assert [(row[0], row[1], row[4]) for row in direct_rows] == [
        (each.name, each.group, each.why) for each in wanted
    ], "run: python -m benchmarks.dependencies"
    shown |= {row[0]: row[2] for row in direct_rows if row[0] in versions}
    assert shown == {name: ", ".join(found) for name, found in versions.items()}


def test_a_package_that_nobody_could_tell_of_does_not_count_as_good():
    report = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "version": "2", "vulns": [{"id": "V-1", "fix_versions": ["2.1"]}]},
            {"name": "c", "skip_reason": "not found"},
        ]
    }
    said = findings(json.dumps(report), "2026-01-31")
    assert "1 known vulnerabilities in the 2 of which the index told" in said
    assert "nothing is known of the other 1" in said
    assert re.search(r"\| b \| 2 \| V-1 \| 2\.1 \|", said)


def test_licences_are_short_names():
    from importlib.metadata import distribution

    assert {licence(distribution(name)) for name in ("pyarrow", "prefect")} == {"Apache-2.0"}
    assert licence(distribution("matplotlib")) == "Python Software Foundation License"
