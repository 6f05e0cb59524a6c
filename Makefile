# Two commands: `make demo` shows the main job done, `make test` checks everything that needs no network.
# Needs only Python 3.11 or newer, make and a package index.

PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
BIN := .venv/bin
DEMO_DATA := $(CURDIR)/demo-data
MODELS := $(CURDIR)/.models
RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed
CUSTODES_TEST_DATA ?=
PYTEST_WORKERS ?= auto
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo serve test fuzz lint check weights accuracy messages reference screenshots lock clean

help:  ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'
	@echo '  make bench-NAME  one benchmark of benchmarks/ (QUICK=1: within 50 s); ends with one line of JSON'

$(RUNTIME): requirements/lock.txt requirements/uv.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Custodes needs Python 3.11 or newer; this machine has none on its PATH." \
		"Install one, or name it: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) tools/install.py --lock requirements/lock.txt
	@touch $@

$(DEV): requirements/lock-dev.txt requirements/uv.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Custodes needs Python 3.11 or newer; this machine has none on its PATH." \
		"Install one, or name it: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) tools/install.py --lock requirements/lock-dev.txt
	@touch $(RUNTIME) $@

demo: $(RUNTIME)  ## install, fetch the model pack, build three fictitious services, run one search
	@CUSTODES_DATA_DIR=$(DEMO_DATA) $(BIN)/custodes models pull
	@CUSTODES_DATA_DIR=$(DEMO_DATA) $(BIN)/custodes demo

serve: $(RUNTIME)  ## open the demo's pages on loopback
	@CUSTODES_DATA_DIR=$(DEMO_DATA) $(BIN)/custodes serve

test: $(DEV)  ## run the tests, and those that touch a database once more on PostgreSQL
	@CUSTODES_TEST_DATA="$(CUSTODES_TEST_DATA)" CUSTODES_MODELS_DIR="$(MODELS)" \
		$(BIN)/python tools/suite.py -n $(PYTEST_WORKERS) $(PYTEST_ARGS)

weights: $(RUNTIME)  ## fetch the model packs that ship, for the tests and benchmarks
	@CUSTODES_MODELS_DIR="$(MODELS)" $(BIN)/custodes models pull opencv-zoo edgeface-s insightface-mbf

fuzz: $(DEV)  ## feed damaged files to every decoder and the manifest reader (MINUTES=10)
	@$(BIN)/python tools/fuzz.py --minutes $(or $(MINUTES),10)

lint: $(DEV)  ## style, types, rooms, sizes, message catalogue, reference pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/shape.py
	$(BIN)/python tools/messages.py --check
	$(BIN)/python tools/reference.py --check

check: lint test  ## lint, then test

# the first two start a PostgreSQL server of their own, the others are measured against other libraries
bench-intake bench-postgres bench-search bench-search-rows: $(DEV)

bench-%: $(RUNTIME)
	@QUICK=$(QUICK) CUSTODES_MODELS_DIR="$(MODELS)" CUSTODES_TEST_DATA="$(CUSTODES_TEST_DATA)" \
		$(BIN)/python -m benchmarks.$(subst -,_,$*)

accuracy: $(RUNTIME)  ## measure enrolment and search on the photographs of CUSTODES_TEST_DATA
	@CUSTODES_MODELS_DIR="$(MODELS)" CUSTODES_TEST_DATA="$(CUSTODES_TEST_DATA)" $(BIN)/python -m benchmarks.accuracy

messages: $(DEV)  ## extract messages, update the French catalogue, compile it
	@$(BIN)/python tools/messages.py

reference: $(DEV)  ## rewrite the tables of docs/ from the source
	@$(BIN)/python tools/reference.py --write

screenshots: $(DEV)  ## photograph the demo's pages in both languages into docs/images (while make serve runs)
	@CUSTODES_DATA_DIR=$(DEMO_DATA) $(BIN)/python tools/screenshots.py

lock: $(DEV)  ## resolve requirements/*.txt anew
	@$(BIN)/python tools/lock.py

clean:  ## remove the environment, the demo and every cache; fetched weights in .models stay
	rm -rf .venv demo-data demo-data-keys build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
