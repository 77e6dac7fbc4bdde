# Bitcache: `make demo` shows it, `make test` proves it, `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Tests wait more than they compute: more processes than cores are the fastest.
PROCESSES ?= 3
PYTEST = $(BIN)/python -m pytest --numprocesses=$(PROCESSES) --dist=loadfile
# Two marks of what is installed: what a gateway needs, and what lint and tests need on top.
STAMP := $(VENV)/.installed-$(shell cat requirements.lock pyproject.toml | cksum | cut -d' ' -f1)
DEV_STAMP := $(VENV)/.installed-dev-$(shell cat requirements.lock requirements-dev.lock pyproject.toml | cksum | cut -d' ' -f1)
PIP := $(BIN)/pip --quiet --disable-pip-version-check install
UV ?= uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help demo test check quick bench soak chaos types js lint format lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## a private Bitcoin network, the gateway and a sample file to buy; ARGS="--once" does it unattended
	@exec $(BIN)/bitcache demo $(ARGS)

test: $(DEV_STAMP) ## every test; what cannot run here is skipped with its reason (CI=true: nothing may be)
	@VENV=$(VENV) tests/support/prepare.sh
	@. $(VENV)/test-env && tests/support/js.sh test
	@. $(VENV)/test-env && $(PYTEST) $(ARGS)

check: lint quick ## what a commit should pass quickly: lint, types, and the tests without node and browser

quick: $(DEV_STAMP) ## the tests without node and browser alone
	@$(PYTEST) -m "not node and not browser and not slow" $(ARGS)

lint: $(DEV_STAMP) ## formatting, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(DEV_STAMP) ## put everything into its one format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: $(DEV_STAMP) ## types of the JavaScript alone (tsc)
	@VENV=$(VENV) tests/support/prepare.sh
	@. $(VENV)/test-env && tests/support/js.sh types

js: types ## types and tests of the JavaScript alone
	@. $(VENV)/test-env && tests/support/js.sh test

bench: $(STAMP) ## measure against peers; writes bench/results.json
	@$(BIN)/python -m bench.run $(ARGS)

soak: ## half an hour of chaos
	@$(MAKE) --no-print-directory chaos ARGS="$(or $(ARGS),--minutes 30)"

chaos: $(DEV_STAMP) ## random payments and faults, reorganisations and kills; ARGS="--minutes 30 --seed 7", or ARGS=--mutations
	@VENV=$(VENV) tests/support/prepare.sh
	@PYTHONPATH=tests:. $(BIN)/python -m chaos $(ARGS)

lock: ## pin all dependencies anew (needs uv); hashes, no addresses
	$(COMPILE) --extra build -o requirements.lock pyproject.toml
	$(COMPILE) --extra build --extra dev --constraint requirements.lock \
	  $$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements.lock) -o requirements-dev.lock pyproject.toml

clean: ## forget the demo's data, caches and the virtual environment
	rm -rf .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis test-results $(VENV)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo "Bitcache needs Python 3.11, 3.12 or 3.13: make PYTHON=python3.13 …" >&2; exit 3; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "This Python cannot make virtual environments: install its venv package (Debian: apt install python3-venv)." >&2; exit 3; }
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages into $(VENV) …" >&2
	@$(PIP) --require-hashes -r requirements.lock >&2
	@$(PIP) --no-deps --no-build-isolation -e . >&2
	@rm -f $(VENV)/.installed-* && touch $@

$(DEV_STAMP): $(STAMP) requirements-dev.lock
	@echo "Installing what lint and tests need …" >&2
	@$(PIP) --require-hashes -r requirements.lock -r requirements-dev.lock >&2
	@touch $@
