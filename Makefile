# Every chore of the project; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help compiled demo run test lint types walls unit faults fuzz bench soak screenshots snapshots lab lock wheel clean

help:  ## list the chores
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): requirements/dev.txt pyproject.toml
	@command -v tmux >/dev/null || { echo "orc-tui needs tmux 3.2 or newer: install it, then run make again" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Where Python is told to write no bytecode, each start would compile every module anew.
compiled: $(READY)
	@$(BIN)/python -m compileall -q core storage tui

demo: compiled  ## open the dashboard on a fleet of scripted agents
	@$(BIN)/orc-tui --demo

run: compiled  ## open the dashboard on your own tmux server
	@$(BIN)/orc-tui

test: lint types walls unit  ## everything that must be green

lint: $(READY)  ## ruff: style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## mypy, strict
	$(BIN)/mypy

walls: $(READY)  ## import-linter: imports only go down
	$(BIN)/lint-imports --no-logo

unit: compiled  ## pytest: all layers of tests
	$(BIN)/python -m pytest -n auto --dist worksteal

faults: compiled  ## the proofs of `make test` at full length: kills, power losses, faults, races
	ORC_KILLS=1000 ORC_POWER_LOSSES=10000 ORC_FAULT_STRIDE=1 ORC_EDITS=10000 ORC_PROCESSES=8 ORC_MACHINES=160 ORC_DAMAGES=400 ORC_TREES=500 ORC_COMMITS_S=600 \
		$(BIN)/python -m pytest -n auto --dist worksteal -o timeout=1800 $(or $(FAULTS),tests/faults tests/unit/storage/test_documents_model.py tests/unit/code/test_trees.py tests/integration/test_code_harmless.py)

fuzz: $(READY)  ## 20,000 cases of every merge law, 2,000 histories of a file and its task
	ORC_EXAMPLES=20000 $(BIN)/python -m pytest -n auto --dist worksteal tests/fuzz tests/unit/sync

bench: compiled  ## measure every figure the documents print
	$(BIN)/python -m tests.bench

soak: compiled  ## use a dashboard for an hour, fail where it grows (MINUTES=60)
	$(BIN)/python -m tests.bench.soak $(or $(MINUTES),60)

lab: $(READY)  ## run real agents against a scripted model, judge what orc says (AGENT=claude)
	$(BIN)/python -m tests.lab $(if $(AGENT),--agent $(AGENT)) $(LAB)

screenshots: $(READY)  ## draw the pictures of the README and the guides
	$(BIN)/python screenshots/draw.py

snapshots: $(READY)  ## accept the screens as they are now
	$(BIN)/python -m pytest tests/snapshots --snapshot-update

lock: $(READY)  ## resolve the dependencies anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --extra dev -o requirements/dev.txt pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -o requirements/run.txt pyproject.toml

wheel: $(READY)  ## build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation -w dist .

clean:  ## remove what the chores made
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
