# The house in one place: people and continuous integration call the same targets.
# `make run` needs Python 3.11 or later and nothing else that is not in requirements/.

PYTHON  ?= python3
VENV    ?= .venv
WORKERS ?= 2
ARGS    ?=

BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --disable-pip-version-check --no-input -q
TREE := gateway linkage adapters ig fixtures tests bench docs wsgi.py

.PHONY: help run install assets test test-peers check bench docs lock clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

# --- a working copy ---------------------------------------------------------------------------------------------

# A stamp per lock file: a second `make run` installs nothing, a changed lock installs again.
$(VENV)/.base: requirements/base.txt requirements/assets.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; say where with PYTHON=…")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements/base.txt
	command -v npm >/dev/null || $(PIP) install --require-hashes -r requirements/assets.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base requirements/dev.txt
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# NHS England's MESH sandbox is a peer, not a part: its web server is older than ours, so it has a place of its own
$(VENV)/.mesh-sandbox: $(VENV)/.dev requirements/mesh-sandbox.txt
	test -x $(VENV)/mesh-sandbox/bin/python || $(PYTHON) -m venv $(VENV)/mesh-sandbox
	$(VENV)/mesh-sandbox/bin/python -m pip --disable-pip-version-check --no-input -q install --require-hashes -r requirements/mesh-sandbox.txt
	@touch $@

install: $(VENV)/.mesh-sandbox  ## virtual environment with everything the tests need

assets: $(VENV)/.base  ## build the pages' style sheet and script
	$(BIN)/python -m gateway.web.build_assets

run: assets  ## install, build the pages, then `gateway demo $(ARGS)`
	$(BIN)/gateway demo $(ARGS)

# --- proof ------------------------------------------------------------------------------------------------------

# Every step runs, every fault is shown, and only then does the target fail.
check: install  ## format, lint, types, imports, budgets, generated docs
	@faults=0; step() { echo "== $$*"; "$$@" || faults=$$((faults + 1)); }; \
	step $(BIN)/ruff format --check --diff --quiet . ; \
	step $(BIN)/ruff check . ; \
	step $(BIN)/mypy $(wildcard $(TREE)) ; \
	step $(BIN)/lint-imports --no-logo ; \
	step $(BIN)/pytest -q -p no:cacheprovider tests/house ; \
	step $(BIN)/python docs/generate.py --check ; \
	if [ $$faults -gt 0 ]; then echo "check: $$faults of 6 steps failed"; exit 1; fi; echo "check: all 6 steps passed"

# loadfile: a file's shared engines start once, on one worker
test: install assets  ## the whole suite but the long peer runs, then the coverage floors
	rm -f .coverage .coverage.*
	$(BIN)/pytest -n $(WORKERS) --dist loadfile -m "not peers" --cov --cov-report= tests
	$(BIN)/python tests/house/coverage_floor.py

# Spark is 450 MB and only the peer runs speak to it
$(VENV)/.spark: $(VENV)/.dev requirements/spark.txt
	$(PIP) install --require-hashes -r requirements/spark.txt
	@touch $@

# pytest's 5 means that nothing was collected: allowed only while there is no test marked so
test-peers: install assets $(VENV)/.spark  ## long runs against real peers, and the long browser journeys
	$(BIN)/pytest -m peers tests || { code=$$?; test $$code -eq 5 && echo "0 passed, 0 failed" || exit $$code; }

bench: install assets  ## measure, print the table, write docs/benchmarks.md
	$(BIN)/python bench/run.py $(ARGS)

# --- what is generated and kept -----------------------------------------------------------------------------------

docs: install  ## write the reference pages that come from the code
	$(BIN)/python docs/generate.py

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock"

lock: install  ## resolve again: versions and hashes, no host
	$(BIN)/$(COMPILE) pyproject.toml requirements/build.in -o requirements/base.txt
	$(BIN)/$(COMPILE) requirements/assets.in -c requirements/base.txt -o requirements/assets.txt
	$(BIN)/$(COMPILE) pyproject.toml --extra dev requirements/build.in requirements/assets.in \
		-c requirements/base.txt -o requirements/dev.txt
	$(BIN)/$(COMPILE) requirements/spark.in -c requirements/dev.txt -o requirements/spark.txt

clean:  ## forget what was built, keep data and the virtual environment
	rm -rf build dist gateway/web/static/dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
