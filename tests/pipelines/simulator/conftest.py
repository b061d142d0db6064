"""Simulated companies that the tests only read."""

from pathlib import Path

import pytest
from simulated import run


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("large"), customers=6_000, months=14)


@pytest.fixture(scope="session")
def insured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(
        tmp_path_factory.mktemp("insured"), customers=1_200, products=("electricity", "insurance")
    )
