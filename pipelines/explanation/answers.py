"""Entry points of an explanation: configuration, language and case.

The command line and a service call the same two functions.
"""

from datetime import date
from pathlib import Path

import pandas as pd

from pipelines.config.settings import load_settings
from pipelines.config.text_files import load_names, text_file
from pipelines.explanation.case import open_case
from pipelines.explanation.counterfactual import outlook
from pipelines.explanation.explanation import Explanation, explain
from pipelines.explanation.letter import write_letter
from pipelines.explanation.letter_texts import load_letter
from pipelines.lists.templates import load_templates


def explain_customer(
    config: Path, customer: str, as_of: date | None = None, language: str | None = None
) -> Explanation:
    """Open the customer's case and explain it in ``language``, or in the list's first one.

    Raises what ``open_case`` and ``explain`` do, and ``ConfigError`` for a language without
    sentences.
    """
    settings = load_settings(config)
    templates = load_templates(text_file("reasons", language or settings.list.languages[0]))
    return explain(settings, open_case(settings, customer, as_of), templates)


def letter_to(
    config: Path, customer: str, as_of: date | None = None, language: str | None = None
) -> str:
    """The answer to the customer's own request, as text; raises as ``explain_customer`` does."""
    settings = load_settings(config)
    language_code = language or settings.list.languages[0]
    letter, names = (
        load_letter(text_file("letters", language_code)),
        load_names(text_file("names", language_code)),
    )
    found = explain_customer(config, customer, as_of, language_code)
    listed = found.case.publication.folder / "risk_list.parquet"
    average = pd.read_parquet(listed, columns=["churn_probability"])["churn_probability"].mean()
    changes = outlook(settings, found, float(average))
    style = load_templates(text_file("reasons", language_code)).style
    return write_letter(settings, found, changes, letter, names, style)
