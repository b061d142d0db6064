"""The documentation page of the published files, made from the fields themselves."""

from pathlib import Path

from pipelines.lists.fields import Field
from pipelines.lists.risk_list import FIELDS

_HEAD = """# What a night publishes

`out/<company>/<as-of date>/<run id>/`; `out/<company>/current` points at the newest good one, and
`current.json` says the same where links do not work. A folder is never changed after it has been
published.

- `risk_list.csv`, `risk_list.parquet`: every customer with an active contract, riskiest first,
  sentences in the first language of the configuration. `risk_list.<language>.*` are the same rows
  with sentences in the other languages.
- `datapackage.json`: every file with its SHA-256 and columns, the model, the digests of the
  inputs and of the configuration, the lowest probability of each risk band, and `degraded`: true
  when the registry of models did not answer and the champion that it named last (at most seven
  days ago) scored. It is a Frictionless Data Package.

CSV is UTF-8 with commas, decimal points, LF and ISO dates; an empty cell is null. A text that a
spreadsheet would run as a formula has an apostrophe before it. The Parquet file has the same
columns, typed and without the apostrophes. Reasons are given for the first rows only
(`list.explained_rows`); a column that a company has no data for is left out.

Every run, good or bad, leaves a record in `var/<company>/runs/<run id>.json`: status, exit code,
timings, rows, quarantined rows by rule, gates, model, digests and the error.

## risk_list

| column | type | meaning |
|---|---|---|
"""


def outputs_page() -> str:
    """Markdown of docs/outputs.md."""
    return _HEAD + "".join(_row(field) for field in FIELDS)


def _row(field: Field) -> str:
    allowed = f" One of {', '.join(field.allowed)}." if field.allowed else ""
    return f"| {field.name} | {field.type} | {field.doc}{allowed} |\n"


if __name__ == "__main__":
    Path("docs/outputs.md").write_text(outputs_page(), encoding="utf-8")
