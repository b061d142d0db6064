"""``python -m benchmarks.commands_page``: docs/commands.md, from the command line itself."""

import re
from pathlib import Path

import typer
from typer.cli import get_docs_for_click

import pipelines.cli.app  # noqa: F401  (its commands enter the application)
from pipelines.cli.options import app

_PAGE = Path("docs/commands.md")
_EXAMPLE = re.compile(r"^Example: (.*)$", re.MULTILINE)
_FIRST = "\n## "


def commands_page(page: str) -> str:
    """Every command with its options, as Typer documents it; what stands before them is kept."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="stille")
    made = get_docs_for_click(obj=command, ctx=context, name="stille")
    text = made[made.index(_FIRST) :]
    return page.partition(_FIRST)[0] + _EXAMPLE.sub(r"Example: `\1`", text).rstrip() + "\n"


if __name__ == "__main__":
    _PAGE.write_text(commands_page(_PAGE.read_text("utf-8")), "utf-8")
