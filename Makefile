# Every target sets up what it needs. `make` lists them.
PYTHON ?= python3
BIN := .venv/bin
UV := .tools/bin/uv
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help setup venv-uv venv-pip run test slow bench bench-full check lint format types proto proto-check docs lock clean

help: ## lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed 's/:.*## /\t/' | expand -t 14

setup: .venv/.ready ## makes .venv with everything in it (uv where it works, else pip)

.venv/.ready: pyproject.toml requirements.lock
	@echo 'Setting up .venv (once, about ten seconds) ...'
	@$(MAKE) -s venv-uv 2>/dev/null || { echo 'uv is not usable here; installing with pip instead.'; $(MAKE) -s venv-pip; }
	@touch $@

$(UV):
	@$(PYTHON) -m pip install -q --disable-pip-version-check --root-user-action=ignore --target .tools uv==0.13.9

venv-uv: $(UV)
	@$(UV) venv -q --clear --python $(PYTHON) .venv
	@$(UV) pip install -q --python $(BIN)/python -r requirements.lock
	@$(UV) pip install -q --python $(BIN)/python --no-deps -e .

venv-pip:
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .

run: setup ## starts service and bridge on loopback, data under var/
	@exec $(BIN)/openrum up

test: setup ## runs the tests
	@$(BIN)/python -m pytest -m 'not slow'

slow: setup ## runs the long fault and scale tests
	@$(BIN)/python -m pytest -m slow

bench: setup ## measures what a put costs, in a minute; keeps it under bench/results
	@$(BIN)/python -m bench --rounds 3 --scale 0.25 --only ', 1 event|50 events'

bench-full: setup ## measures what a put costs, in some minutes
	@$(BIN)/python -m bench

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

docs: setup ## writes the tables of the docs from the code
	@$(BIN)/python docs/tables.py

proto-check: setup ## fails where stubs are stale, buf objects or the contract breaks main's
	@$(BIN)/python proto/stubs.py check

lock: $(UV) ## resolves requirements.lock anew
	@$(UV) pip compile -q --upgrade --universal --python-version 3.11 --extra server --group dev --no-header --no-annotate -o requirements.lock pyproject.toml

clean: ## removes .venv, .tools, var and caches
	@rm -rf .venv .tools var dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache
