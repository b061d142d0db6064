"""HTML page of a run comparison: one offline file, without scripts.

So that it can be sent to whoever decides on a model.
"""

import re
from base64 import b64encode
from pathlib import Path

from pipelines.comparison.difference import Difference
from pipelines.runtime.atomic_files import write_file
from pipelines.runtime.escaping import page_template

_HEAD_TAGS = ("known_before", "judged_on", "code_version", "leak_warning")


def write_page(folder: Path, difference: Difference) -> Path:
    """Write the page, named by both runs; raises ``PublicationError`` when the disk refuses."""
    names = (re.sub(r"[^A-Za-z0-9]+", "-", run.label) for run in (difference.a, difference.b))
    path = folder / f"{'-and-'.join(names)}.html"
    write_file(path, render(difference).encode())
    return path


def render(difference: Difference) -> str:
    """The page as HTML. Every value is escaped."""
    pictures = [
        (f"{letter}: {name}", b64encode(run.pictures[name]).decode())
        for name in difference.a.pictures
        for letter, run in (("A", difference.a), ("B", difference.b))
        if name in run.pictures
    ]
    return page_template("compare.html").render(
        difference=difference,
        verdict=_verdict(difference),
        tags=_HEAD_TAGS,
        pictures=pictures,
    )


def _verdict(difference: Difference) -> str:
    loss = next((m for m in difference.metrics if m.name == "log_loss"), None)
    if loss is None or loss.a is None or loss.b is None:
        return "The runs have no log loss in common."
    values = f"log loss {loss.a:.5f} of A and {loss.b:.5f} of B"
    if loss.paired is None or loss.difference is None:
        return f"Which is better is not known, as {difference.unpaired}: {values}."
    found = "no difference" if loss.better == "no difference" else f"{loss.better} is better"
    change = "B − A {:+.5f} ({:+.5f} to {:+.5f})".format(loss.difference, *loss.paired)
    return f"On the same test rows {found}: {values}, {change}."
