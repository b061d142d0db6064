"""Benchmark of the models; the libraries find their environment before any is imported."""

from pipelines.environment import quiet_libraries

quiet_libraries()
