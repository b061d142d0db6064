"""Benchmark of the models; the libraries find their environment before any is imported."""

from pipelines.runtime.environment import quiet_libraries

quiet_libraries()
