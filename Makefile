.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 3

.PHONY: help demo up bench test check unit contract integration faults acceptance browser format pins reference clean

help: ## Show what can be done here
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/installed: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/installed ## Run everything with invented citizens and one failing office (ARGS="--for 60 --json")
	@$(BIN)/langnghe demo $(ARGS)

up: $(VENV)/installed ## Run the local stack (ARGS="--help" for what it takes)
	@$(BIN)/langnghe up $(ARGS)

bench: $(VENV)/installed ## Measure everything beside its peers, on a machine that does nothing else
	@$(BIN)/python -m benchmarks

test: check unit contract integration faults acceptance browser ## All checks and all tests

check: $(VENV)/installed ## Format, lint, types, boundaries, dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

unit contract integration: $(VENV)/installed ## One tier of tests, in WORKERS processes with servers of their own
	$(BIN)/pytest tests/$@ --numprocesses $(WORKERS) --dist loadfile $(ARGS)

faults acceptance browser: $(VENV)/installed ## One tier of tests that has the machine to itself
	$(BIN)/pytest tests/$@ $(ARGS)

format: $(VENV)/installed ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

reference: $(VENV)/installed ## Write schemas/exported/ and the generated pages of docs/ anew
	$(BIN)/python -m schemas.export
	$(BIN)/python -m langnghe.reference

pins: $(VENV)/installed ## Choose new versions of the dependencies and pin them with hashes
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make pins" \
	  --output-file requirements/run.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make pins" \
	  --constraint requirements/run.txt --extra local --extra dev \
	  --output-file requirements/dev.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make pins" \
	  --output-file requirements/quix.txt requirements/quix.in

clean: ## Forget the virtual environment and all local data
	rm -rf $(VENV) .langnghe
