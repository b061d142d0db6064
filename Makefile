SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BENCH := .venv-bench
AUDIT := build/audit
BIN := $(VENV)/bin
COVERAGE := 97
PYTEST := python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export PREFECT_HOME := $(CURDIR)/var/prefect
export MPLBACKEND := Agg
unexport PYTHONDONTWRITEBYTECODE

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.ok: requirements.lock pyproject.toml
	@test -x $(BIN)/python || { echo "Creating the environment $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv || true
	@echo "Installing at most $$(grep -c == requirements.lock) packages, as requirements.lock has them"
	@if $(BIN)/python -m uv --version >/dev/null 2>&1; then \
	  $(BIN)/python -m uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
	  $(BIN)/python -m uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e . ; \
	fi
	@echo "Ready: $(BIN)/stille --help"
	@touch $@

setup: $(VENV)/.ok ## Make .venv from the lock file

demo: $(VENV)/.ok ## Simulate a company, train, run a night, show the list
	@$(BIN)/stille demo

demo-small: $(VENV)/.ok ## The same in a minute: 2,000 customers, two years, one model
	@sed -e 's#/demo#/small#g' -e 's/seeds: 3/seeds: 1, bootstrap: 50/' configs/demo.yaml > configs/small.yaml
	@$(BIN)/stille demo --config configs/small.yaml --customers 2000 --months 24 --plain

test: $(VENV)/.ok ## Run the tests
	@$(BIN)/$(PYTEST) -m "not proof"

test-all: $(VENV)/.ok ## Run the tests and the long proofs
	@$(BIN)/$(PYTEST)

structure: $(VENV)/.ok ## Count rooms, layers, circles and lines, and hold them to their bounds
	@$(BIN)/python -m benchmarks.structure

check-quick: $(VENV)/.ok ## Lint, format, types, imports and structure
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m benchmarks.structure

check: check-quick ## All of check-quick, and the tests with their coverage
	@$(BIN)/$(PYTEST) -m "not proof" --cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE)

bench: $(VENV)/.ok ## Time the feature build against the floor of reading and writing
	@$(BIN)/python -m benchmarks.features

bench-night: $(VENV)/.ok ## Time training and a night of 100,000 and of a million customers (an hour)
	@$(BIN)/python -m benchmarks.night

$(BENCH)/.ok: requirements-bench.lock pyproject.toml
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check uv
	@$(BENCH)/bin/python -m uv pip install --quiet --python $(BENCH)/bin/python --require-hashes -r requirements-bench.lock
	@$(BENCH)/bin/python -m uv pip install --quiet --python $(BENCH)/bin/python --no-deps --no-build-isolation -e .
	@touch $@

bench-models: $(BENCH)/.ok ## Hold the recipe against other libraries, write docs/benchmark.md (hours; kept in parts)
	@nice -n 5 $(BENCH)/bin/python -m benchmarks.models

acted-on: $(VENV)/.ok ## Measure what holds when lists are acted on, write docs/acted-on.md (hours; kept in parts)
	@nice -n 5 $(BIN)/python -m benchmarks.acted_on

reliability: $(VENV)/.ok ## Prove every promise and fault, write docs/reliability.md (an hour)
	@nice -n 5 $(BIN)/python -m benchmarks.reliability -n 2 --dist loadfile

ui: $(VENV)/.ok ## Open MLflow on the demo's runs
	@$(BIN)/stille ui

serve: $(VENV)/.ok ## Run the nightly and weekly schedules on this machine
	@$(BIN)/stille serve

lock: $(VENV)/.ok ## Resolve the dependencies again
	@$(BIN)/python -m uv pip compile pyproject.toml --quiet --extra dev --universal --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements.lock
	@$(BIN)/python -m uv pip compile pyproject.toml --quiet --extra dev --extra bench --constraint requirements.lock --universal --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements-bench.lock
	@$(BIN)/python -m uv pip compile deploy/build.in --quiet --constraint requirements.lock --universal --generate-hashes --no-header --no-annotate --no-emit-index-url -o deploy/build.lock

docs: $(VENV)/.ok ## Build the documentation as a site, into build/site
	@NO_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs build
	@echo "Open it: $(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory build/site"

$(AUDIT)/bin/pip-audit:
	@$(PYTHON) -m venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit

audit: $(VENV)/.ok $(AUDIT)/bin/pip-audit ## Ask for known vulnerabilities of all packages, write docs/dependencies.md
	@$(AUDIT)/bin/pip-audit --disable-pip --require-hashes -r requirements.lock --progress-spinner off \
	  --format json --output $(AUDIT)/report.json || test -s $(AUDIT)/report.json
	@$(BIN)/python -m benchmarks.dependencies

clean: ## Remove what was made, but not the environments
	@rm -rf var out data/demo data/small configs/small.yaml build .coverage

.PHONY: help setup demo demo-small docs audit test test-all structure check-quick check bench bench-night bench-models acted-on reliability ui serve lock clean
