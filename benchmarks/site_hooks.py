"""Hooks of MkDocs (``mkdocs.yml``): the pages at the top of the repository are pages of the site.

Links between the two stay as the repository's own pages need them. A link to a file that is no page
becomes the file's name.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_TOP = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"}
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name, page in _TOP.items():
        text = Path(name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with links as the site needs them."""
    top = {site: name for name, site in _TOP.items()}
    folder = Path() if page.file.src_uri in top else Path("docs", page.file.src_uri).parent

    def link(found: re.Match[str]) -> str:
        text, target, anchor = found[1], found[2], found[3] or ""
        path = _normal(folder / target)
        uri = _TOP.get(path, path.removeprefix("docs/"))
        if files.get_file_from_path(uri) is None and not path.startswith("docs/"):
            return text
        depth = "../" * page.file.src_uri.count("/")
        return f"[{text}]({depth}{uri}{anchor})"

    return _LINK.sub(link, markdown)


def _normal(path: Path) -> str:
    """A relative path without ``..``.

    >>> _normal(Path("docs/../README.md"))
    'README.md'
    """
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
