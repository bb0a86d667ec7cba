# Everything a contributor runs. `make` or `make help` lists it. Needs Python 3.11 or newer and make, nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
EXPORT := $(BIN)/uv export --quiet --format requirements.txt --no-emit-project --no-header
CODE := incident_bot tests $(wildcard benchmarks)

.PHONY: help setup run demo test check format lint types contracts coverage system-deps lock bench clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## The environment in .venv, from the hash-pinned lock; again only when the lock changes

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "setup: Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; \
	  echo "       Name another one: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  version=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "setup: $(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python$$version-venv" >&2; \
	  exit 1; }
	@test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  echo "setup: making $(VENV)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "setup: installing $$(grep -c '==' requirements.lock) packages from requirements.lock (a minute or two the first time)"
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@echo "setup: installing incident-bot itself, editable"
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@
	@echo "setup: ready"

run: setup ## The bot itself on http://127.0.0.1:8080, with the configuration of this directory
	@$(BIN)/incident-bot serve

demo: setup ## One incident from page to post-mortem on a sped-up clock, then the console (DEMO_EXIT=1 stops there)
	@$(BIN)/incident-bot demo

test: setup ## The whole suite; what needs an absent system program is skipped by name (REQUIRE_ALL=1: fails)
	@$(BIN)/pytest

check: setup ## What CI runs: format, lint, types, contracts, sample configuration, whole suite with coverage
	@echo "check: format";               $(BIN)/ruff format --check $(CODE)
	@echo "check: lint";                 $(MAKE) lint
	@echo "check: types";                $(MAKE) types
	@echo "check: contracts";            $(MAKE) contracts
	@echo "check: sample configuration"; $(BIN)/incident-bot check .
	@echo "check: suite";                REQUIRE_ALL=1 $(MAKE) coverage

format: setup ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix-only --quiet $(CODE) || true
	@$(BIN)/ruff format $(CODE)

lint: setup ## ruff with all rules, hadolint on the Dockerfile
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/hadolint Dockerfile

types: setup ## mypy, strict, on the package, the tests and the benchmarks
	@$(BIN)/mypy $(CODE)

contracts: setup ## Who may import whom
	@$(BIN)/lint-imports

coverage: setup ## The whole suite; the rules first, with every branch of incident_bot/core covered
	@$(BIN)/pytest tests/core --cov --cov-report=term-missing:skip-covered
	@$(BIN)/pytest --ignore=tests/core

system-deps: ## The Debian packages that the full suite uses (Prometheus, Alertmanager, Chromium)
	@.ci/system-deps

lock: setup ## Resolve again and rewrite the lock files: names, versions, markers, hashes
	@test -x $(BIN)/uv || { echo "lock: installing uv into $(VENV)"; $(PIP) install --quiet uv; }
	@echo "lock: resolving"
	@$(BIN)/uv lock --quiet
	@$(EXPORT) --all-extras --all-groups --output-file requirements.lock >/dev/null
	@$(EXPORT) --all-extras --output-file requirements-runtime.lock >/dev/null
	@$(EXPORT) --only-group build --output-file requirements-build.lock >/dev/null
	@echo "lock: requirements.lock, requirements-runtime.lock, requirements-build.lock"

bench: setup ## Every benchmark, one after the other; each prints JSON
	@shopt -s nullglob; files=(benchmarks/[a-z]*.py); \
	if [ "$${#files[@]}" -eq 0 ]; then echo "bench: no benchmarks here yet"; fi; \
	for file in "$${files[@]}"; do echo "bench: $$file" >&2; $(BIN)/python "$$file"; done

clean: ## Remove the environment, the caches and what the demo left behind
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
