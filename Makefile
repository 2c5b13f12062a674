# Every target installs what it needs. `make` lists them.
PYTHON ?= python3
WORKERS ?= 3
BIN := .venv/bin
UV := .tools/bin/uv
UV_INSTALL := $(UV) pip install -q --python $(BIN)/python
LOCK := $(UV) pip compile -q --universal --python-version 3.11 --no-emit-package openrum-stubs --no-header --no-annotate
# Without -q, so that pip shows how far it is.
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --root-user-action=ignore
export UV_PYTHON_DOWNLOADS := never
# Without bytecode files, each worker of pytest compiles every module again: 7 s of CPU.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup python venv-uv venv-pip tools run demo test slow fuzz bench bench-full bench-compare check lint format types proto proto-check docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed 's/:.*## /\t/' | expand -t 14

setup: .venv/.ready ## install the server, and all that tests and checks need, into .venv

.venv/.server: pyproject.toml proto/pyproject.toml requirements.lock
	@$(MAKE) -s python
	@echo 'Setting up .venv with the server (once, about 320 MB) ...'
	@$(MAKE) -s venv-uv 2>/dev/null || { echo 'uv is not usable here. Installing with pip, which takes longer.'; $(MAKE) -s venv-pip; }
	@touch $@

.venv/.ready: .venv/.server requirements-dev.lock
	@echo 'Adding what tests and checks need to .venv (once, about 700 MB) ...'
	@if [ -e $(BIN)/pip ]; then $(PIP_INSTALL) -r requirements-dev.lock; else $(UV_INSTALL) -r requirements-dev.lock; fi
	@touch $@

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  found=$$($(PYTHON) --version 2>&1) || found=missing; \
	  echo "OpenRUM needs Python 3.11 or later, but $(PYTHON) is $$found."; \
	  echo 'Install a newer Python and name it, for example: make run PYTHON=python3.12'; exit 1; } >&2

$(UV):
	@$(PYTHON) -m pip install -q --disable-pip-version-check --root-user-action=ignore --target .tools uv==0.13.9

venv-uv: $(UV)
	@$(UV) venv -q --clear --python $(PYTHON) .venv
	@$(UV_INSTALL) -r requirements.lock
	@$(UV_INSTALL) --no-deps -e ./proto -e .

venv-pip:
	@$(PYTHON) -m venv --clear .venv
	@$(PIP_INSTALL) -r requirements.lock
	@$(PIP_INSTALL) --no-deps -e ./proto -e .

tools: setup ## install the programs that tests use under .tools: a browser, npm packages, the AWS CLI
	@$(BIN)/python -m tests.tools

run: .venv/.server ## start OpenRUM on loopback, with its data under var/
	@exec $(BIN)/openrum up

demo: setup ## show the page with a month of generated data and live visitors
	@exec $(BIN)/python -m bench.demo $(if $(EVENTS),--events $(EVENTS))

test: tools ## run the tests, three files at a time (WORKERS=2: two)
	@$(BIN)/python -m pytest -m 'not slow' -n $(WORKERS) --dist loadfile --no-loadscope-reorder

slow: tools ## run the long tests of failures and scale
	@$(BIN)/python -m pytest -m slow --hypothesis-profile=random

fuzz: setup ## send broken inputs and floods, and write docs/reference/robustness.md
	@$(BIN)/python -m tests.fuzz

bench: setup ## measure what a put costs, in a minute, and keep the result under bench/results
	@$(BIN)/python -m bench --short --rounds 3 --scale 0.1

bench-full: setup ## measure every case, in some minutes
	@$(BIN)/python -m bench

bench-compare: setup ## compare the CPU for each put with the last result, in half a minute
	@$(BIN)/python -m bench --short --rounds 1 --scale 0.2 --only ', 1 event|50 events' --variants 'no-op|OpenRUM' --preload 0 --no-footprint --compare

check: lint types proto-check test ## run all that CI runs: lint, types, contract, tests

lint: setup ## check style and imports
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/lint-imports --no-logo >.lint-imports.log 2>&1 || { cat .lint-imports.log; rm .lint-imports.log; exit 1; }; rm -f .lint-imports.log

format: setup ## fix style automatically
	@$(BIN)/ruff check -q --fix .
	@$(BIN)/ruff format -q .
	@$(BIN)/buf format -w --path proto/rum

types: setup ## check types, strictly
	@$(BIN)/mypy

proto: setup ## regenerate the stubs beside the .proto files, and the vendored imports
	@$(BIN)/python proto/stubs.py

docs: setup ## write the generated tables of docs/reference and the OpenAPI document
	@$(BIN)/python docs/tables.py
	@$(BIN)/python -m docs.openapi

proto-check: setup ## check that stubs are up to date, and that the contract is compatible with main
	@$(BIN)/python proto/stubs.py check

lock: $(UV) ## update both lock files
	@$(LOCK) --upgrade --group dev -o requirements-dev.lock pyproject.toml
	@$(LOCK) -c requirements-dev.lock -o requirements.lock pyproject.toml

clean: ## remove .venv, .tools, var and caches
	@rm -rf .venv .tools var dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache
