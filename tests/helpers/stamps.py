"""Where a publication of the tests came from."""

from datetime import UTC, date, datetime

from pipelines.publication.manifest import Stamp

STAMP = Stamp(
    as_of=date(2024, 5, 2),
    run_id="run-1",
    created=datetime(2024, 5, 2, 3, 0, tzinfo=UTC),
    inputs_digest="sha256:i",
    config_digest="sha256:c",
    model_version="churn/3",
    model_digest="sha256:m",
    horizon_days=90,
    thresholds={},
)
