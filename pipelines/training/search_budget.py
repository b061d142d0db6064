"""Search budget: what a training run compares with the configured recipe, and for how long.

A value of its own, as the command line, Prefect and the training run all take it.
"""

from dataclasses import dataclass

from features.errors import ConfigError

_MINUTES = 10.0


@dataclass(frozen=True, slots=True)
class Effort:
    """Whether challengers are compared with the recipe, and whether and how long to search.

    ``trials`` counts the finished trials of the whole study, earlier calls included; ``minutes``
    counts this call. Without either a search takes ten minutes. Raises ``ConfigError`` when a
    limit is given without a search, or is not positive.
    """

    challengers: bool = False
    search: bool = False
    trials: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        limits = [limit for limit in (self.trials, self.minutes) if limit is not None]
        if limits and not self.search:
            raise ConfigError("--minutes and --trials limit a search: add --search.")
        if any(limit <= 0 for limit in limits):
            raise ConfigError("--minutes and --trials must be above 0.")

    @property
    def seconds(self) -> float | None:
        """How long trials may take, None for as long as the trials need."""
        minutes = _MINUTES if self.minutes is None and self.trials is None else self.minutes
        return None if minutes is None else 60 * minutes


AS_CONFIGURED = Effort()
