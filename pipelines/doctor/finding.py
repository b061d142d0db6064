"""One thing that ``stille doctor`` looked at."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "look", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``exit_code`` is 0 unless it keeps a night from publishing."""

    what: str
    status: Status
    said: str
    exit_code: int = 0
