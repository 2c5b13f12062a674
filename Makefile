# Every target sets up what it needs. `make` lists them.
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

help: ## lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed 's/:.*## /\t/' | expand -t 14

setup: .venv/.ready ## installs the server and everything that tests and checks need into .venv

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

tools: setup ## installs the programs that tests drive (a browser, npm packages, the AWS CLI) under .tools
	@$(BIN)/python -m tests.tools

run: .venv/.server ## starts service and bridge on loopback, data under var/
	@exec $(BIN)/openrum up

demo: setup ## shows the page with a month of generated data and live visitors
	@exec $(BIN)/python -m bench.demo $(if $(EVENTS),--events $(EVENTS))

test: tools ## runs the tests, three files at a time (WORKERS=2: two)
	@$(BIN)/python -m pytest -m 'not slow' -n $(WORKERS) --dist loadfile --no-loadscope-reorder

slow: tools ## runs the long fault and scale tests
	@$(BIN)/python -m pytest -m slow --hypothesis-profile=random

fuzz: setup ## sends broken inputs and floods, and writes docs/reference/robustness.md
	@$(BIN)/python -m tests.fuzz

bench: setup ## measures what a put costs, in a minute; keeps it under bench/results
	@$(BIN)/python -m bench --short --rounds 3 --scale 0.1

bench-full: setup ## measures every case, in some minutes
	@$(BIN)/python -m bench

bench-compare: setup ## prints the CPU for each put beside the last kept result, in half a minute
	@$(BIN)/python -m bench --short --rounds 1 --scale 0.2 --only ', 1 event|50 events' --variants 'no-op|OpenRUM' --preload 0 --no-footprint --compare

check: lint types proto-check test ## what CI runs: lint, types, contract, tests

lint: setup ## checks style and who may import what
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/lint-imports --no-logo >.lint-imports.log 2>&1 || { cat .lint-imports.log; rm .lint-imports.log; exit 1; }; rm -f .lint-imports.log

format: setup ## mends what lint can mend
	@$(BIN)/ruff check -q --fix .
	@$(BIN)/ruff format -q .
	@$(BIN)/buf format -w --path proto/rum

types: setup ## checks types, strictly
	@$(BIN)/mypy

proto: setup ## regenerates the stubs beside the .proto files, and the vendored imports
	@$(BIN)/python proto/stubs.py

docs: setup ## writes the generated tables of docs/reference and the OpenAPI document
	@$(BIN)/python docs/tables.py
	@$(BIN)/python -m docs.openapi

proto-check: setup ## fails where stubs are stale, buf objects or the contract breaks main's
	@$(BIN)/python proto/stubs.py check

lock: $(UV) ## resolves both lock files anew
	@$(LOCK) --upgrade --group dev -o requirements-dev.lock pyproject.toml
	@$(LOCK) -c requirements-dev.lock -o requirements.lock pyproject.toml

clean: ## removes .venv, .tools, var and caches
	@rm -rf .venv .tools var dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache
