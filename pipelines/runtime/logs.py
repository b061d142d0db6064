"""Log lines on stderr: in words, or each a JSON object where STILLE_LOG_FORMAT is ``json``."""

import json
import logging
import os
from datetime import UTC, datetime

LOG = logging.getLogger("stille")
CONTEXT = {"run_id": "", "company": ""}


def as_json_lines() -> bool:
    return os.environ.get("STILLE_LOG_FORMAT") == "json"


def start_logging() -> None:
    """Write this project's log lines; as JSON those of libraries and warnings too."""
    handler = logging.StreamHandler()
    if not as_json_lines():
        handler.setLevel(logging.WARNING)  # Prefect is told more
        LOG.addHandler(handler)
        return
    handler.setFormatter(_JsonLines())
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)
    LOG.setLevel(logging.INFO)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": moment, "level": record.levelname, **CONTEXT}
        return json.dumps({**line, "message": record.getMessage()}, ensure_ascii=False)
