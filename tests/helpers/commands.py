"""Every command that writes, run on a small company in forked processes that are struck.

``python commands.py make FOLDER`` simulates the company, trains and publishes; each of the others
prints JSON. Processes are forked by one that has imported everything and has done nothing yet, so
that no thread is lost and nothing is imported twice.
"""

import importlib
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from company_content import content
from struck_processes import ended, started, struck

from pipelines.runtime.environment import packages, quiet_libraries

quiet_libraries()

from pipelines.config.settings import load_settings  # noqa: E402
from pipelines.erasure.forget import forget  # noqa: E402
from pipelines.jobs.entry import JOBS  # noqa: E402
from pipelines.jobs.promote import promote, rollback  # noqa: E402
from pipelines.publication.reader import current, verify  # noqa: E402
from pipelines.simulator.options import KIND  # noqa: E402
from pipelines.simulator.simulate import simulate  # noqa: E402
from pipelines.training import artifacts  # noqa: E402

PICTURES = "roc precision_recall calibration gains drivers_by_family dependence features_beeswarm"
ROOT = Path(__file__).parents[2]
TABLES = "customers contracts terminations invoices payments contacts consents contact_bars"
NAMES = ("check", "nightly", "train", "recalibrate", "effect", "monitor")
BEFORE, TODAY = date(2023, 4, 1), date(2023, 9, 1)


def configured(folder: Path, release: Path = ROOT) -> Path:
    """The configuration of the company in ``folder``, from the example of that release."""
    example = (release / "configs" / "demo.yaml").read_text("utf-8")
    document: dict[str, Any] = yaml.safe_load(example)
    document["paths"] = {name: str(folder / name) for name in ("data", "var", "out")}
    document["sources"] = {name: document["sources"][name] for name in TABLES.split()}
    document["label"] = {"lead_days": 7, "horizon_days": 60}
    document["training"] = {"first_as_of": date(2022, 6, 1), "seeds": 1, "bootstrap": 10}
    document["training"] |= {"learning_rate": 0.3, "min_test_positives": 5}
    document["list"] = {"languages": ["nb"], "explained_rows": 50}
    document["engine"] |= {"threads": 1}
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    return config


def make(folder: Path) -> None:
    """A company with two versions of the model, the later one champion, and one night."""
    simulate(folder / "data", customers=400, months=20, seed=3, dials=replace(KIND, level=2.0))
    config = configured(folder)
    for version, day in (("1", BEFORE), ("2", date(2023, 5, 1))):
        JOBS["train"].start(config, day)
        promote(config, version, "a test")
    night = JOBS["nightly"].start(config, date(2023, 6, 1))
    ids = (night.publication.folder / "risk_list.csv").read_text("utf-8").splitlines()
    at = ids[0].split(",").index("customer_id")
    customer = ids[1].split(",")[at]
    (folder / "customer").write_text(customer)
    (folder / "outcomes.csv").write_text(
        f"treatment_id,customer_id,treated_at,channel,contacted\n"
        f"t-1,{customer},2023-07-03 10:00:00,phone,true\n"
    )


def _job(name: str, **options: Any) -> Callable[[Path], object]:
    return lambda folder: JOBS[name].start(folder / "config.yaml", TODAY, **options)


def _forget(folder: Path) -> None:
    forget(load_settings(folder / "config.yaml").paths, (folder / "customer").read_text())


def _outcomes(folder: Path) -> None:
    asked = {"list_day": None, "dry_run": False, "correct": False}
    JOBS["outcomes"].start(folder / "config.yaml", file=folder / "outcomes.csv", **asked)


COMMANDS: Mapping[str, Callable[[Path], object]] = {
    **{name: _job(name) for name in NAMES},
    "promote": lambda folder: promote(folder / "config.yaml", "1", "a test"),
    "rollback": lambda folder: rollback(folder / "config.yaml", "a test"),
    "forget": _forget,
    "outcomes": _outcomes,
}


def copy(made: Path, folder: Path) -> None:
    """Copy a company of ``make``; its paths, in MLflow's database too, become the copy's."""
    shutil.copytree(made, folder, symlinks=True)
    for path in (folder / "config.yaml", folder / "var" / "champion" / "champion.json"):
        path.write_text(path.read_text("utf-8").replace(str(made), str(folder)), "utf-8")
    with closing(sqlite3.connect(folder / "var" / "mlflow.db")) as con, con:
        for (table,) in con.execute(
            "select name from sqlite_master where type = 'table'"
        ).fetchall():
            for _, column, kind, *_ in con.execute(f"pragma table_info({table})").fetchall():
                if kind.startswith(("VARCHAR", "TEXT")):
                    told = f"update {table} set {column} = replace({column}, ?, ?)"
                    con.execute(f"{told} where {column} like '%/%'", (str(made), str(folder)))


class Company:
    """A copy of the company of ``make``, which can be restored after each run."""

    def __init__(self, made: Path, root: Path) -> None:
        self.folder, self.spare, self.log = root / "company", root / "spare", root / "log"
        copy(made, self.folder)
        shutil.copytree(self.folder, self.spare, symlinks=True)

    def restore(self) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(self.spare, self.folder, symlinks=True)

    def run(self, command: str, number: int = 0, fault: str = "") -> int:
        """Exit code of a command, struck from its call of that number on."""

        def work() -> None:
            if fault:
                struck(number, fault)
            COMMANDS[command](self.folder)

        return ended(started(work, self.log))

    def count(self, command: str) -> tuple[int, int]:
        """Exit code of a command, and its calls; what it imported is imported here too."""
        told = self.log.with_name("told")

        def work() -> None:
            calls = struck(sys.maxsize, "kill")
            try:
                COMMANDS[command](self.folder)
            finally:
                told.write_text(json.dumps([calls(), *sys.modules]))

        code = ended(started(work, self.log))
        calls, *modules = json.loads(told.read_text())
        for name in modules:
            with suppress(Exception):
                importlib.import_module(name)
        return code, calls


def sweep(
    company: Company, command: str, plan: Mapping[str, int], part: int = 0, parts: int = 1
) -> dict[str, Any]:
    """Strike calls of a command, so many of each fault, each on the company as it was.

    Of several ``parts``, only the calls of one.
    """
    before = content(company.folder)
    company.count(command)
    company.restore()
    code, calls = company.count(command)
    whole, results = content(company.folder), []
    for fault, most in plan.items():
        times = min(most, calls)
        for n in range(part, times, parts):
            number = 1 + (2 * n + 1) * calls // (2 * times)
            company.restore()
            result: dict[str, Any] = {"fault": fault, "call": number}
            result["code"] = company.run(command, number, fault)
            listed = content(company.folder)["risk_list.csv"]
            result["whole"] = listed in (before["risk_list.csv"], whole["risk_list.csv"])
            result["new"] = listed != before["risk_list.csv"]
            result["rerun"] = company.run(command)
            then = content(company.folder)
            result["other"] = [
                name for name in {*then, *whole} if then.get(name) != whole.get(name)
            ]
            results.append(result)
    company.restore()
    return {"command": command, "code": code, "calls": calls, "results": results}


def together(company: Company, names: Sequence[str]) -> dict[str, Any]:
    """How commands end that begin at the same moment, and each once more when all are over."""
    folder = company.folder
    children = [started(partial(COMMANDS[name], folder), company.log) for name in names]
    codes = [(name, ended(child)) for name, child in zip(names, children, strict=True)]
    content(folder)
    again = [(name, company.run(name)) for name in dict.fromkeys(names) if name != "promote"]
    folders = [verify(path) for path in (folder / "out").glob("*/*") if path.is_dir()]
    listed = current(folder / "out")
    return {"codes": codes, "again": again, "listed": str(listed.as_of), "whole": len(folders)}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder]:
            make(Path(folder))
        case ["sweep", made, root, plans]:
            # Pictures and the list of packages are half of a small training, and none of its calls.
            drawn = {f"plots/{name}.png": b"drawn" for name in PICTURES.split()}
            artifacts.draw_plots = lambda *_: drawn
            packages()
            company = Company(Path(made), Path(root))
            swept = [sweep(company, *plan) for plan in json.loads(plans)]
            print(json.dumps(swept))
        case ["together", made, root, names]:
            print(json.dumps(together(Company(Path(made), Path(root)), json.loads(names))))
        case _:
            raise SystemExit(__doc__)
