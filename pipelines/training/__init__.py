"""Steps of a training run: examples, leakage, recipe trials, evaluation, plots, promotion."""
