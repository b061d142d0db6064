"""The documentation: a site that builds strictly and asks nobody else; commands as they are."""

import os
import re
import subprocess
import sys

from benchmarks.commands_page import commands_page

_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)")
_LOADED = re.compile(
    r"<(?:script|img|iframe|source)[^>]*\ssrc=[\"']?https?:|@import|url\(.?https?:"
)
_SHEET = re.compile(r"<link[^>]*href=[\"']?https?:[^>]*>")


def test_the_site_is_built_strictly_and_loads_nothing_from_elsewhere(root, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-d", tmp_path],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    pages = {path.stem for path in (root / "docs").glob("*.md")} | {"index", "contributing"}
    assert pages <= {path.stem for path in tmp_path.glob("*.html")}
    for path in tmp_path.rglob("*.html"):
        text = path.read_text("utf-8")
        assert not _LOADED.search(text), path
        assert not _SHEET.search(text), path
    assert "holdout" in (tmp_path / "search" / "search_index.json").read_text("utf-8")
    assert 'href="outputs.html#worklists"' in (tmp_path / "index.html").read_text("utf-8")


def test_every_relative_link_of_the_repository_has_its_file(root):
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    links = [(page, target) for page in pages for target in _LINK.findall(page.read_text("utf-8"))]
    assert len(links) > 50
    assert [(p.name, to) for p, to in links if not (p.parent / to).exists()] == []


def test_the_committed_page_of_commands_is_current(root):
    committed = (root / "docs" / "commands.md").read_text("utf-8")
    assert committed == commands_page(committed), "run: python -m benchmarks.commands_page"
