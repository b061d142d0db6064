"""Command line interface (Typer): ``stille``. Results on stdout, progress and errors on stderr.

The commands register where they are declared; each imports its work when called, so that
``stille --help`` is quick and the libraries underneath find their environment set.
"""

import atexit
import logging
import os
import sys

from rich.console import Console
from rich.markup import escape

from features.errors import StilleError
from pipelines.cli import data, model, night, service  # noqa: F401  (registers their commands)
from pipelines.cli.options import app
from pipelines.runtime.environment import quiet_libraries


def main() -> None:
    """Run the command; a ``StilleError`` is printed and decides the exit code."""
    atexit.register(_mute_teardown)
    quiet_libraries()
    logging.getLogger("stille").addHandler(logging.StreamHandler())
    try:
        app()
    except StilleError as error:
        message = f"[bold red]stille:[/] {escape(str(error))}"
        Console(stderr=True, soft_wrap=True).print(message, highlight=False)
        raise SystemExit(error.exit_code) from None


def _mute_teardown() -> None:
    # Runs after every other exit handler: when Prefect's threads outlive the interpreter,
    # DuckDB's binding prints pages of leaked references, which mean nothing to anybody here.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
