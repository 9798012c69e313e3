# Every target says in one line what it does; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv pip

.PHONY: help env demo test test-fast prove lint audit format bench bench-list canary notebooks docs lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit("Patron needs Python >= 3.11; name one with make PYTHON=...") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'

# The core environment runs Patron; the full one also tests, checks and documents it.
$(VENV)/.core: requirements.lock pyproject.toml | $(BIN)/uv
	@test -e $(VENV)/.full || $(UV) install --quiet --compile-bytecode --requirement requirements.lock
	@$(UV) install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.full: requirements-dev.lock pyproject.toml | $(BIN)/uv
	@$(UV) install --quiet --compile-bytecode --requirement requirements-dev.lock
	@$(UV) install --quiet --no-deps --editable .
	@touch $@ $(VENV)/.core

env: $(VENV)/.full  ## make the full environment in .venv from the locks

demo: $(VENV)/.core  ## run the main job on CDNOW: 23,570 real customers, from log to report
	@$(BIN)/patron run configs/cdnow.yaml

# Two workers of one thread each; they share compiled tests, even where Python is told to keep nothing compiled.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2

test: $(VENV)/.full  ## run the tests, the slow ones too
	@$(PYTEST) --dist loadgroup -m 'not replications and not notebooks and not thorough'

test-fast: $(VENV)/.full  ## run the tests without the slow ones
	@$(PYTEST) --dist loadgroup -m 'not slow and not replications and not notebooks and not thorough'

PROOF ?= replications or notebooks or thorough
prove: $(VENV)/.full  ## hold intervals against simulated worlds, every quantity against all hard points; execute the notebooks
	@$(PYTEST) -m '$(PROOF)' tests

lint: $(VENV)/.full  ## check style, types and the order of the rooms
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

audit: $(VENV)/.full  ## look the locked packages up among known vulnerabilities
	@$(BIN)/pip-audit --requirement requirements-dev.lock --no-deps --disable-pip --progress-spinner off

format: $(VENV)/.full  ## put every file into the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

BAR ?=
bench: $(VENV)/.full  ## measure the claims: make bench BAR=<id>, all without BAR
	@$(BIN)/python -m benchmarks $(BAR)

bench-list: $(VENV)/.full  ## list the measured claims
	@$(BIN)/python -m benchmarks --list

canary: $(BIN)/uv  ## run the tests on the newest of everything, in .venv-canary; tells, never gates
	@$(BIN)/python -m benchmarks.canary

notebooks: $(VENV)/.full  ## execute the notebooks and write them back
	@$(BIN)/python notebooks/execute.py --write

docs: $(VENV)/.full  ## build the documentation into site/, warnings are errors
	@$(BIN)/python docs/generate.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

lock: $(BIN)/uv  ## compile the locks anew from pyproject.toml
	@$(UV) compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 --output-file requirements.lock
	@$(UV) compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 --all-extras --group dev --output-file requirements-dev.lock

clean:  ## remove what was built, never what was trained or scored
	@rm -rf site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
