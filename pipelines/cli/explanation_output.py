"""Console and JSON output of an explanation.

Both show the same figures, so that a script can check what a person reads.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from pipelines.cli.printing import table
from pipelines.explanation.answers import Explanation, Figure

_SOURCES = ("number", "table", "key", "date", "known at (UTC)", "values")


def for_people(explanation: Explanation) -> None:
    """Print score, band, families, and each sentence with the rows behind its numbers."""
    case = explanation.case
    print(
        f"{case.customer} on {case.as_of}, {case.described['model_version']}: "
        f"probability {explanation.probability:.1%}, {case.listed['risk_band']}\n"
    )
    row, texts = explanation.facts.row, explanation.words.texts
    print(": ".join(filter(None, (texts.page[row["lane"]], texts.rules.get(row["lane_rule"])))))
    for title, name in (("Do", "do"), ("Review", "review"), ("Do not", "do_not_text")):
        if row[name]:
            print(f"{title}: {row[name]}")
    rows = sorted(explanation.families.items(), key=lambda family: -family[1])
    total = explanation.base + sum(explanation.families.values())
    table(
        ["family", "contribution"],
        [
            *([name, f"{value:+.6f}"] for name, value in rows),
            ["base, of everybody", f"{explanation.base:+.6f}"],
            ["sum: the log-odds of the probability", f"{total:+.6f}"],
        ],
    )
    for sentence in explanation.sentences:
        print(f"\n{sentence.slot}, {sentence.driver}: {sentence.text}")
        shown = [row for figure in sentence.figures for row in _rows(figure)]
        if shown:
            table(_SOURCES, shown)
    table(["day", "what happened"], _story(explanation))


def facts(explanation: Explanation) -> dict[str, Any]:
    case = explanation.case
    return {
        "customer_id": case.customer,
        "as_of_date": case.as_of,
        "run_id": case.publication.run_id,
        "model_version": case.described["model_version"],
        "churn_probability": round(explanation.probability, 6),
        "risk_band": case.listed["risk_band"],
        "base": explanation.base,
        "families": dict(explanation.families),
        **{name: explanation.facts.row[name] for name in ("lane", "lane_rule", "do", "review")},
        "do_not": explanation.facts.row["do_not_text"],
        "nights": explanation.facts.nights.drop(columns="customer_id").to_dict("records"),
        "story": [{"date": day, "text": text} for day, text in _story(explanation)],
        "sentences": explanation.sentences,
    }


def _story(explanation: Explanation) -> list[tuple[date, str]]:
    story = explanation.facts.story
    return [*zip(story["day"].dt.date, story["text"], strict=True)]


def _rows(figure: Figure) -> Iterator[list[str]]:
    number = f"{figure.fact} = {figure.text or figure.value}"
    for row in figure.rows:
        moments = str(row.happened_on or ""), str(row.known_at or "")[:16]
        yield [number, row.table, _pairs(row.key), *moments, _pairs(row.values)]
        number = ""
    if not figure.rows:
        yield [number, "no row", "", "", "", ""]


def _pairs(values: Any) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
