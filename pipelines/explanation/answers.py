"""Local explanation: score, contributions by driver family, sentences and their source rows.

The score is computed again and must equal the published one, or nothing is explained. The command
line and a service call the same function.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from features.errors import ModelError
from models.explain.shap_values import by_family
from pipelines.config.settings import Settings, load_settings
from pipelines.config.text_files import text_file
from pipelines.explanation.case import Case, TableUse, open_case, open_customer
from pipelines.explanation.customer_facts import CustomerFacts, customer_facts
from pipelines.explanation.evidence import SourceEvidence, SourceRow, register_row
from pipelines.explanation.story import PageWords, load_words
from pipelines.lists.actions import can_be_reasons, load_actions
from pipelines.lists.risk_list import SLOTS, slot_facts
from pipelines.lists.templates import (
    FACTS,
    Direction,
    Placeholder,
    Templates,
    Variant,
    load_templates,
    sentences,
    variant_of,
)
from pipelines.lists.wording import words
from pipelines.scoring.scores import score_rows

_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class Figure:
    """A fact that a sentence rests on: its value, the words it is said in, the rows behind it.

    ``text`` is "" for a fact that decides which sentence is said and is no number in it.
    """

    fact: str
    value: Any
    text: str
    rows: tuple[SourceRow, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the list; ``contribution`` is its family's, null for a protective one."""

    slot: str
    driver: str
    contribution: float | None
    text: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One customer's score and why.

    ``base`` and ``families`` (contribution by driver family) add up to the log-odds of
    ``probability``, the calibrated one. ``row`` is the customer's of the matrix, scored;
    ``templates`` the sentences' language. ``facts`` are what an agent is shown, with these
    sentences.
    """

    settings: Settings
    case: Case
    probability: float
    base: float
    families: Mapping[str, float]
    sentences: tuple[Sentence, ...]
    row: pd.DataFrame
    used: tuple[TableUse, ...]
    templates: Templates
    facts: CustomerFacts
    words: PageWords


def explain_customer(
    config: Path, customer: str, as_of: date | None = None, language: str | None = None
) -> Explanation:
    """Score the customer again and find the rows behind what the list of ``as_of`` says.

    Sentences are in ``language``, by default the list's first one. Raises what ``open_case``
    does, ``ConfigError`` for a language without sentences, and ``ModelError`` when the score
    comes out otherwise than it was published.
    """
    settings = load_settings(config)
    templates = load_templates(text_file("reasons", language or settings.list.languages[0]))
    case = open_case(settings, customer, as_of)
    with open_customer(settings, case) as (con, catalog, row, used):
        attributes = settings.sources["customers"].attributes
        sayable = partial(can_be_reasons, templates, load_actions(), attributes)
        scored = score_rows(settings, case.model, row, sayable)
        probability = float(scored["churn_probability"][0])
        if abs(probability - float(case.listed["churn_probability"])) > _SAME:
            raise ModelError(
                "the score comes out otherwise than it was published, so the features or the "
                f"configuration are others now. Make the night again: stille nightly --as-of "
                f"{case.as_of} --backfill."
            )
        zone, delays = settings.company.timezone, settings.delays()
        evidence = SourceEvidence(con, catalog, case.as_of, zone, delays)
        slots = [(slot, way) for slot, way in SLOTS if scored[f"{slot}_driver"].notna()[0]]
        quoted = any(scored[f"{slot}_feature"].notna()[0] for slot, _ in slots)
        place = register_row(settings, case.snapshot, case.customer) if quoted else {}
        teller = _Teller(evidence, templates, settings.company.currency, place)
        spoken = tuple(teller.tell(scored, slot, way) for slot, way in slots)
    lines = scored["product_line"].to_numpy(dtype=object)
    contributions = case.model.contributions(case.model.spec.encode(scored), lines)
    families = by_family(contributions, case.model.spec).iloc[0]
    names = "driver", "text", "contribution"
    given = {f"{each.slot}_{name}": getattr(each, name) for each in spoken for name in names}
    rows = pd.DataFrame([{**case.listed, **given}])
    wording = load_words(settings, templates.language)
    [facts] = customer_facts(settings, case.snapshot, case.as_of, rows, wording)
    return Explanation(
        settings=settings,
        case=case,
        probability=probability,
        base=float(contributions[0, -1]),
        families={str(name): float(value) for name, value in families.items()},
        sentences=spoken,
        row=scored,
        used=used,
        templates=templates,
        facts=facts,
        words=wording,
    )


@dataclass(frozen=True, slots=True)
class _Teller:
    """Tells sentences with their rows; ``place`` is where the customer's row in the register is."""

    evidence: SourceEvidence
    templates: Templates
    currency: str
    place: Mapping[str, Any]

    def tell(self, scored: pd.DataFrame, slot: str, way: Direction) -> Sentence:
        drivers, facts = slot_facts(scored, slot)
        variant = variant_of(drivers[0], facts, self.templates, way)
        contribution = f"{slot}_contribution"
        return Sentence(
            slot=slot,
            driver=str(scored[f"{slot}_driver"][0]),
            contribution=float(scored[contribution][0]) if contribution in scored else None,
            text=str(sentences(drivers, facts, self.templates, self.currency, way)[0]),
            figures=tuple(self._figures(variant, facts, scored[f"{slot}_feature"][0])),
        )

    def _figures(self, variant: Variant, facts: pd.DataFrame, own: Any) -> Iterator[Figure]:
        forms = {p.fact: p.form for p in variant.parts if isinstance(p, Placeholder)}
        facts_told = variant.facts - {"profile_name"}
        for fact in sorted(facts_told, key=lambda name: (name not in forms, name)):
            text = ""
            if fact in forms:
                style, kind = self.templates.style, FACTS[fact]
                text = words(facts[fact], fact, kind, forms[fact], style, self.currency)[0]
            rows = self._attribute(own) if fact == "profile_value" else self.evidence.behind(fact)
            yield Figure(fact, facts[fact][0], text, rows)

    def _attribute(self, name: str) -> tuple[SourceRow, ...]:
        """The register's row behind an attribute, of which the others are left out."""
        rows = self.evidence.behind(name)
        return tuple(replace(r, key=self.place, values={name: r.values[name]}) for r in rows)
