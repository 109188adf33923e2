# make demo: a first map of a landscape.  make help: everything else.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# Compiled programs outlive the process: about half of a cold start is compilation.
export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.cache/jax
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0.05
# Run-time errors become NaNs, not host callbacks, which that cache cannot keep.
export EQX_ON_ERROR ?= nan
export MPLBACKEND ?= Agg

.PHONY: help demo test test-fast lint format docs bench examples dev hooks clean distclean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

# ---- environment: one stamp per set of extras, so a second call installs nothing ----

$(VENV)/.venv:
	@command -v "$(PYTHON)" > /dev/null || { \
	  echo "error: '$(PYTHON)' was not found. Install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: flowlab needs Python 3.11 or newer; '$(PYTHON)' is $$("$(PYTHON)" -V 2>&1)." >&2; \
	  echo "       Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "creating $(VENV)"
	@"$(PYTHON)" -m venv "$(VENV)"
	@touch $@

$(VENV)/.core: $(VENV)/.venv pyproject.toml
	@echo "installing flowlab into $(VENV)"
	@$(PIP) -e .
	@touch $@

$(VENV)/.test $(VENV)/.docs $(VENV)/.lint: $(VENV)/.%: $(VENV)/.core
	@echo "installing what 'make $*' needs"
	@$(PIP) -e '.[$*$(EXTRAS_$*)]'
	@touch $@

# Everything at once, so that the requirements are resolved once.
$(VENV)/.dev: $(VENV)/.venv pyproject.toml
	@echo "installing flowlab and everything a contributor needs into $(VENV)"
	@$(PIP) -e '.[dev]'
	@touch $(VENV)/.core
	@touch $(VENV)/.test $(VENV)/.docs $(VENV)/.lint $@

# Tests run the optional rooms too; the type checker and autodoc want to see what those import.
EXTRAS_test := ,all
EXTRAS_docs := ,all
EXTRAS_lint := ,all

# ---- what one does with it ----

demo: $(VENV)/.core  ## map the two-student landscape into demo/
	@$(BIN)/flowlab map --students 2 --out demo

# Workers share the cores, so each keeps to one thread.
test test-fast: export OMP_NUM_THREADS ?= 1
test test-fast: export OPENBLAS_NUM_THREADS ?= 1
test test-fast: export XLA_FLAGS ?= --xla_cpu_multi_thread_eigen=false

test: $(VENV)/.test  ## run every test (WORKERS=2, ARGS="-k name")
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist=worksteal $(ARGS)

test-fast: $(VENV)/.test  ## run the tests that are not marked slow
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist=worksteal -m "not slow" $(ARGS)

lint: $(VENV)/.lint  ## ruff check, ruff format --check, pyright
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/.lint  ## rewrite the sources as ruff wants them
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.docs  ## build the documentation into docs/_build/html; any warning is an error
	@$(BIN)/sphinx-build -q -W --keep-going -n -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# What a benchmark cannot compare with is left out; the rest of it runs.
bench: $(VENV)/.core  ## measure against other programs (ARGS="--fast", ARGS="--markdown FILE")
	@test -e "$(VENV)/.bench" || { echo "installing the peers of the benchmarks"; \
	  $(PIP) -e '.[bench]' && touch "$(VENV)/.bench"; } || { \
	  echo "warning: the extra 'bench' did not install, so some peers are missing. numbalsoda is built from" >&2; \
	  echo "         source: it needs a Fortran compiler (gfortran). Install one and run make bench again." >&2; }
	@$(BIN)/python tests/benchmarks $(ARGS)

examples: $(VENV)/.core  ## run every example in its fast form
	@set -- examples/[!_]*.py; test -e "$$1" || { echo "no examples"; exit 0; }; \
	for script; do echo "== $$script"; $(BIN)/python "$$script" --fast $(ARGS); done

dev: $(VENV)/.dev  ## install everything a contributor needs

hooks: $(VENV)/.lint $(VENV)/.test  ## install the pre-commit hooks
	@$(BIN)/pre-commit install

clean:  ## remove what was built, keep the environment
	@rm -rf build dist demo out docs/_build docs/_figures .cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -not -path './.git/*' -prune -exec rm -rf {} +

distclean: clean  ## remove the environment as well
	@rm -rf "$(VENV)"
