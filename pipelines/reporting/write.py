"""Writer of the report files: one HTML page for each language of the lists.

The first language has the plain file name, as readers expect ``report.html``.
"""

from dataclasses import replace
from pathlib import Path

from pipelines.config.text_files import ACTIONS, load_names, text_file
from pipelines.lists.actions import load_actions
from pipelines.reporting.facts import Facts
from pipelines.reporting.page import render
from pipelines.reporting.texts import Texts, load_texts
from pipelines.runtime.atomic_files import storage_errors


def write_report(facts: Facts, languages: tuple[str, ...], folder: Path) -> None:
    """Write ``report.html`` in the first language and ``report.<language>.html`` in the others.

    Raises ``ConfigError`` for a language without texts, ``PublicationError`` when the disk
    refuses.
    """
    files = {
        language: "report.html" if number == 0 else f"report.{language}.html"
        for number, language in enumerate(languages)
    }
    texts = {language: texts_of(language) for language in languages}
    for language, name in files.items():
        others = {
            texts[other].say("language"): file for other, file in files.items() if other != language
        }
        with storage_errors(f"write the report {name}"):
            (folder / name).write_text(render(facts, texts[language], others), encoding="utf-8")


def texts_of(language: str) -> Texts:
    """A language's texts, with the lists' names for codes and what the actions are called."""
    texts = load_texts(text_file("report", language))
    names = load_names(text_file("names", language))
    kinds = {
        "drivers": names.drivers,
        "families": names.families,
        "qualities": names.qualities,
        "actions": {
            code: str(action.model_dump().get(language, action.en))
            for code, action in load_actions(ACTIONS).actions.items()
        },
    }
    named = {f"{kind}.{code}": name for kind, by in kinds.items() for code, name in by.items()}
    return replace(texts, texts={**texts.texts, **named})
