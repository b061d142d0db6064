"""Console output of the commands: results on stdout, as tables for people or as JSON."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.calibration.recalibration import RecalibrationCheck
from models.causal.treatment_effect import TARGET_POWER
from pipelines.cli.json_output import print_json
from pipelines.cli.options import with_config
from pipelines.comparison.difference import Difference
from pipelines.effect import result as effect
from pipelines.effect.result import EffectResult, verdict_sentence
from pipelines.jobs.check import Report
from pipelines.jobs.nightly import Night
from pipelines.jobs.promote import PromotionResult
from pipelines.jobs.recalibrate import NOTHING, NOTHING_NEWER, RecalibrationResult
from pipelines.jobs.reproduce import Reproduction
from pipelines.lists.previous_nights import call_rows, first_language, top_rows
from pipelines.monitoring import result as monitoring
from pipelines.monitoring.result import MonitoringResult
from pipelines.publication import status
from pipelines.publication.reader import manifest_facts
from pipelines.runtime.logs import as_json_lines
from pipelines.runtime.mirrors import name_of
from pipelines.simulator.compare import Comparison
from pipelines.training.result import TrainingResult, scorecard_header, scorecard_rows

_PAGE_WIDTH = 150
_MAX_LISTED = 3
_DRIVERS = 8


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """Print a table; cells are escaped, and the first column is never cut."""
    printed = Table(title=title, title_justify="left")
    for number, name in enumerate(header):
        printed.add_column(name, no_wrap=number == 0, overflow="fold")
    for row in rows:
        printed.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PAGE_WIDTH)
    console.print(printed)


def check_done(report: Report) -> None:
    """Print what ``stille check`` found, one row per table, and where the page is."""
    rows = report.rows
    table(
        ["table", "rows", "set aside", "first event (UTC)", "last event (UTC)", "columns missing"],
        (
            [
                row["table"],
                f"{row['rows']:,}",
                ", ".join(f"{rule}: {n}" for rule, n in row["quarantined"].items()) or "none",
                str(row["first_event"] or "")[:16],
                str(row["last_event"] or "")[:16],
                ", ".join(row["absent"]) or "none",
            ]
            for row in rows
        ),
    )
    for row in rows:
        name = row["table"]
        for rule, form in row["lost_forms"].items():
            print(
                f"Lost: {name}.{rule}: {row['quarantined'][rule]:,} rows, {form}. Every "
                "value of this form is missing from the table: declare it, or mend the export."
            )
        for column, count in row["null_dates"].items():
            print(
                f"{name}.{column}: {count:,} dates stand for none (9999-12-31 and other "
                "dialect.null_dates) and are read as null."
            )
        for what, found in row["out_of_order"].items():
            print(
                f"{name}: {what}: {found['rows']:,} of {found['of']:,} rows, first in "
                f"{found['first']}"
            )
        for column, value in row["constant"].items():
            print(f"{name}.{column}: {value} in every row, so it tells nobody apart")
    after = (f"{row['table']} {row['after_as_of']:,}" for row in rows if row["after_as_of"])
    if later := ", ".join(after):
        print(f"Rows after {report.as_of}, which count for nothing on that date: {later}")
    print(with_config(str(report.leaks)))
    print(f"Ranges, orphan keys, gates, leaks and more: {report.page}")


def features(rows: Sequence[Mapping[str, Any]], omitted: Mapping[str, Sequence[str]]) -> None:
    """Print the features that are built and, by the table or column missing, those that are not."""
    table(list(rows[0]) if rows else ["feature"], (list(row.values()) for row in rows))
    for missing in sorted({name for lack in omitted.values() for name in lack}):
        left_out = [name for name, lack in omitted.items() if missing in lack]
        print(f"not built without {missing}: {', '.join(left_out)}")


def training_done(trained: TrainingResult) -> None:
    evaluation = trained.evaluation
    folds, rows = ", ".join(evaluation.folds), len(evaluation.test)
    title = f"{trained.registered.label} on {folds}: {rows:,} rows"
    table(scorecard_header(evaluation.cards), scorecard_rows(evaluation.cards), title)
    for candidate in trained.trials.candidates:
        print(candidate.verdict)
    strongest = ", ".join(f"{n} {v:.2f}" for n, v in evaluation.drivers.head(_DRIVERS).items())
    print(f"Strongest drivers (mean absolute log-odds): {strongest}")
    print("Champion." if trained.verdict.promote else "Not champion:")
    for reason in trained.verdict.reasons:
        print(with_config(f"  {reason}"))
    print(f"Pictures: {trained.folder / 'plots'}")


def promotion_done(done: PromotionResult) -> None:
    would = "would be" if done.dry_run else "is"
    before = f"before: {done.before}" if done.before else "there was none before"
    if done.changed:
        print(f"{done.champion} {would} champion ({before}). Why: {done.why}")
    else:
        print(f"{done.champion} is champion already. Nothing was changed.")


def reproduction_done(done: Reproduction) -> None:
    print(f"{done.label} came out the same, byte for byte (digest {done.digest[:12]}…).")
    if done.other:
        print(f"Other than then, without an effect: {'; '.join(done.other)}.")


def training_facts(trained: TrainingResult) -> dict[str, Any]:
    return {
        "model": trained.registered.label,
        "digest": trained.registered.digest,
        "champion": trained.verdict.promote,
        "reasons": list(trained.verdict.reasons),
        "tried": [candidate.verdict for candidate in trained.trials.candidates],
        "metrics": {
            name: {metric: [i.value, i.low, i.high] for metric, i in card.items()}
            for name, card in trained.evaluation.cards.items()
        },
        "drivers": trained.evaluation.drivers.round(6).to_dict(),
    }


def night_done(night: Night) -> None:
    """Print where the night's files are, its status, and whom the first rows say to call."""
    folder, language = night.publication.folder, first_language(night.publication.folder)
    title = "Published:" if night.written else "Published already, nothing to do:"
    print("Dry run, published nowhere:" if night.dry_run else title, name_of(folder))
    for pattern in ("report.html", f"worklist.*.{language}*.xlsx", "risk_list.csv"):
        for path in sorted(folder.glob(pattern)):
            print(f"  {name_of(path)}")
    print(f"  {name_of(night.publication.out / 'current')} points there\n")
    if (notices := status.published_status(folder)) is not None:
        print(with_config("\n  ".join(status.sentences(notices))))
    facts = manifest_facts(folder)
    counts = ", ".join(f"{lane} {count:,}" for lane, count in facts.get("lanes", {}).items())
    print(f"Lanes: {counts}")
    if share := facts.get("saved_share"):
        found = "nothing measured yet"
        if share["measured"] is not None:
            found = f"{share['measured']:.1%} ± {share['error']:.1%} measured on {share['day']}"
        print(f"Saved by a contact: {share['used']:.1%} ({share['assumed']:.1%} assumed, {found})")
    print()
    # No customer belongs in a log.
    rows = () if as_json_lines() else call_rows(folder, language, _MAX_LISTED)
    for row in rows:
        print(f"{row['rank']}. {row['customer_id']} ({row['who']}), {row['call_between']}")
        print(f"   Why: {row['why']}\n   Do: {row['do']}\n   Do not: {row['do_not']}")
    for row in rows[:1]:
        print(with_config(f"\nThe rows behind it: stille explain {row['customer_id']}"))


def night_facts(night: Night) -> dict[str, Any]:
    facts = manifest_facts(night.publication.folder)
    return {
        "folder": str(night.publication.folder),
        "run_id": night.publication.run_id,
        "written": night.written,
        "status": facts.get("status"),
        "lanes": facts.get("lanes", {}),
        "saved_share": facts.get("saved_share"),
        "top": top_rows(night.publication.folder, _MAX_LISTED),
        "dry_run": night.dry_run,
    }


def monitoring_done(result: MonitoringResult) -> None:
    table(monitoring.HEADER, monitoring.rows(result), f"Monitoring on {result.day}")
    print(f"Tenths, drivers, every feature and source: {result.path}")


def effect_done(result: EffectResult) -> None:
    count = len(result.arms.lots[0].assigned)
    title = (
        f"{count:,} customers by the {result.arms.lots[0].source}' arms; "
        f"{result.arms.lots[0].waiting:,} wait for their horizon"
    )
    table(effect.HEADER, effect.rows(result), title)
    if (evaluation := result.responds) is not None:
        used = "is used" if evaluation.used else "is not used, risk ranks"
        print(
            f"Who responds {used} (weight {evaluation.weight:.2f}). On {evaluation.customers:,} "
            f"customers unseen, of whom the team calls {evaluation.depth:.0%}, calling by effect "
            f"brings {evaluation.gain:+.2f} a customer more than by risk "
            f"({evaluation.by_risk.value:.2f}); of the effect expected "
            f"{evaluation.calibration:.0%} came."
        )
    everybody = result.effects[0]
    print(verdict_sentence(everybody))
    if math.isfinite(everybody.complier.low):
        print(f"Difference among those who were reached: {everybody.complier:+.2%}.")
    print(
        "By intention to treat; the intervals hold however often they are looked at. Power and "
        f"needed size are for {result.smallest:.0%} fewer leavers of those reached, seen "
        f"{TARGET_POWER:.0%} of the time. All figures: {result.path}"
    )


def comparison_done(difference: Difference, page: Path) -> None:
    """Print what differs between two runs, and where the page is."""
    a, b = difference.a.label, difference.b.label
    metrics = (
        [
            m.name,
            *("" if v is None else f"{v:.4f}" for v in (m.a, m.b, m.difference)),
            "" if m.paired is None else "{:+.4f} to {:+.4f}".format(*m.paired),
            m.better,
        ]
        for m in difference.metrics
    )
    table(["metric", f"A: {a}", f"B: {b}", "B − A", "95 % interval", "better"], metrics)
    if difference.parameters:
        table(["parameter", "A", "B"], (list(p.values()) for p in difference.parameters))
    ranks = ([r["driver"], r["a"] or "", r["b"] or ""] for r in difference.ranks)
    table(["driver", "place in A", "place in B"], ranks)
    for what, names in difference.features.items():
        print(f"Features {what} in B: {', '.join(names) or 'none'}")
    if difference.unpaired:
        print(f"Which is better is not known, as {difference.unpaired}.")
    print(f"Page: {page}")


def recalibration_done(done: RecalibrationResult) -> None:
    """Print what was refitted, on what, how its checks went and whether it is champion."""
    recalibration = done.recalibration
    if recalibration is None:
        print(f"{done.parent}: {NOTHING_NEWER}.")
        return
    check, level = recalibration.check, recalibration.level
    print(
        f"{done.parent}: its calibration refitted on {', '.join(recalibration.months)} "
        f"({recalibration.leavers:,} leavers of {recalibration.rows:,})."
    )
    print(f"Refitted on the months before {check.months[0]} and checked on {_checked(check)}")
    if not recalibration.refitted:
        print(f"The refit is refused by {', '.join(check.failed)}: slopes stay as they were.")
    if level is not None:
        print(f"The level moved to who has left so far, and checked on {_checked(level)}")
    if done.registered is None:
        print(f"{NOTHING.capitalize()}. No version was registered.")
    elif done.failed:
        print(f"{done.registered.label}. Not champion: {', '.join(done.failed)}")
    else:
        print(f"{done.registered.label}. It is champion now.")


def _checked(check: RecalibrationCheck) -> str:
    return (
        f"{', '.join(check.months)}: {check.observed:.2%} left, {check.predicted:.2%} predicted "
        f"(parent {check.parent_predicted:.2%}); log loss {check.log_loss:.5f} (parent "
        f"{check.parent_log_loss:.5f})."
    )


def recalibration_facts(done: RecalibrationResult) -> dict[str, Any]:
    return {
        "version": done.registered.label if done.registered else None,
        "parent": done.parent,
        "champion": done.registered is not None and not done.failed,
        "failed": list(done.failed),
        **(asdict(done.recalibration) if done.recalibration else {}),
    }


def truth_comparison(comparison: Comparison) -> None:
    c = comparison
    print(
        f"On the same {c.rows:,} test rows: model AUC {c.model_auc:.4f}; oracle AUC "
        f"{c.oracle_auc:.4f} (true hazard at the as-of date), ratio {c.ratio:.3f}; with "
        f"hindsight over the window {c.hindsight_auc:.4f}; calibration slope "
        f"{c.calibration_slope:.2f}."
    )
    rows = zip(_ranked(c.true_drivers), _ranked(c.model_drivers), strict=False)
    header = ["true driver", "spread in log-odds", "model's driver", "mean |contribution|"]
    table(header, ([*true, *model] for true, model in rows), "Strongest drivers")
    print(
        f"Driver families ranked as in the truth: Spearman {c.family_rank_correlation:.2f} "
        f"over {len(c.true_families)} families."
    )


def _ranked(drivers: "pd.Series[float]") -> list[tuple[str, str]]:
    return [(str(name), f"{value:.3f}") for name, value in drivers.head(_DRIVERS).items()]


def _stored(result: MonitoringResult | EffectResult) -> object:
    return json.loads(result.path.read_bytes())


# What of each job's result is printed as JSON, and how it is printed for people.
_PRINTERS: Mapping[str, tuple[Callable[[Any], object], Callable[[Any], None]]] = {
    "check": (attrgetter("rows"), check_done),
    "train": (training_facts, training_done),
    "nightly": (night_facts, night_done),
    "preview": (night_facts, night_done),
    "monitor": (_stored, monitoring_done),
    "effect": (_stored, effect_done),
    "outcomes": (dict, lambda counts: table(counts, [counts.values()])),
    "recalibrate": (recalibration_facts, recalibration_done),
}


def result_of(job: str, result: object, *, data: bool) -> None:
    """Print the result of a job, as JSON where ``data`` are asked for."""
    facts, done = _PRINTERS[job]
    print_json(facts(result)) if data else done(result)
