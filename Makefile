# Everything a person needs to run and to work on hubbub: python3 (3.11 or newer) and make.

PYTHON ?= python3
BIN := .venv/bin
DATA ?= ./hubbub-data
LISTEN ?= 127.0.0.1:8080
NODES ?= 3
CLUSTER ?= ./hubbub-cluster
PAGE ?= 127.0.0.1:8079
ARGS ?=
SEEDS ?= 20000
KILLS ?= 300
FUZZ_SECONDS ?= 300
SOAK ?=
PYTHON_SOURCES := src tests benchmarks requirements hatch_build.py web/build
REFERENCE := benchmarks/.build/fanout benchmarks/.build/load
RESULTS ?= benchmarks/results/$(shell date +%F)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help serve cluster chat web test soak autobahn bench bench-cluster bench-growth bench-micro bench-peers reference check format setup lock clean page-if-possible browser-if-possible cluster-if-possible

help: ## What can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

serve: .venv/.serving page-if-possible ## Run a server on LISTEN with its data in DATA; more flags in ARGS
	@exec $(BIN)/hubbub serve --listen $(LISTEN) --data $(DATA) $(ARGS)

cluster: .venv/.clustering page-if-possible cluster-if-possible ## Run NODES servers on PostgreSQL and NATS behind a balancer at LISTEN, their state at PAGE, data in CLUSTER
	@exec $(BIN)/hubbub cluster --nodes $(NODES) --listen $(LISTEN) --page $(PAGE) --data $(CLUSTER) $(ARGS)

chat: .venv/.chatting ## Talk in this terminal, full-screen; another server with ARGS="--server URL"
	@exec $(BIN)/hubbub chat $(ARGS)

web: .venv/.serving ## Build the page in which people talk, when it is not there or older than web/
	@$(BIN)/python web/build

# Where Node or its packages cannot be had, this says so, and what follows goes on without.
page-if-possible: .venv/.serving
	@$(BIN)/python web/build --or-without

test: .venv/.developing page-if-possible browser-if-possible cluster-if-possible ## The whole suite, on every core; a part of it with ARGS="tests/domain -k name"
	@$(BIN)/python -m pytest $(if $(ARGS),$(ARGS),-n auto --dist worksteal)

browser-if-possible:
	@tests/browser/install

# PostgreSQL, NATS and HAProxy, where they are missing and can be installed; where they cannot, this says so.
cluster-if-possible: .venv/.serving
	@tests/cluster/install $(BIN)/python

bench: .venv/.serving reference ## Every figure hubbub is held to, beside the reference; a part with ARGS="--only idle,storm"
	@$(BIN)/python benchmarks/figures.py --out $(RESULTS) $(ARGS)

bench-cluster: .venv/.serving .venv/.clustering reference ## Figures of a cluster on this machine, beside one node on SQLite; a part with ARGS="--only relay,storm"
	@$(BIN)/python benchmarks/cluster.py --out $(RESULTS) $(ARGS)

reference: ## The C programs that figures of hubbub are put beside; without a compiler there is none
	@if command -v $(CC) >/dev/null; then $(MAKE) --no-print-directory $(REFERENCE); \
		else echo "no C compiler: figures stand without the reference" >&2; fi

bench-peers: .venv/.serving $(REFERENCE) benchmarks/.peers/.installed ## Other servers, the reference and hubbub under one load; a part with ARGS="--only hubbub,ws"
	@$(BIN)/python benchmarks/peers.py --out $(RESULTS) $(ARGS)

soak: .venv/.developing .venv/.fuzzing ## Faults for an hour: SEEDS of the simulation, half as many of several nodes, KILLS, FUZZ_SECONDS a fuzzing target; a part with SOAK="kills fuzz"
	@tests/soak/all --seeds $(SEEDS) --kills $(KILLS) --seconds $(FUZZ_SECONDS) $(SOAK)

autobahn: .venv/.developing tests/autobahn/.suite/.installed ## WebSocket by the Autobahn test suite; a part with ARGS="7.* 9.1.*"
	@cd tests && ../$(BIN)/python -m autobahn.suite $(ARGS)

bench-micro: .venv/.developing ## What the innermost steps cost: reading, framing, flushing, committing
	@$(BIN)/python -m pytest tests/micro --benchmark-enable --benchmark-group-by=func --benchmark-sort=name \
		--benchmark-columns=min,median,stddev,ops $(ARGS)

bench-growth: .venv/.serving ## How figures grow with clients, rooms, messages and users; short with ARGS=--quick
	@$(BIN)/python benchmarks/growth.py --out $(RESULTS)/growth $(ARGS)

check: .venv/.developing ## Style, types, the floors, the dependencies
	$(BIN)/ruff check $(PYTHON_SOURCES)
	$(BIN)/ruff format --check $(PYTHON_SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/python requirements/audit.py

format: .venv/.developing ## Put the code in shape
	$(BIN)/ruff check --fix $(PYTHON_SOURCES)
	$(BIN)/ruff format $(PYTHON_SOURCES)

setup: .venv/.developing ## .venv with hubbub and every tool, from the hashed locks

lock: ## Resolve requirements/*.txt anew, hashes and all (needs uv)
	@requirements/lock

clean: ## Forget the environment, the built page and the caches; never the data
	rm -rf .venv src/hubbub/web web/node_modules benchmarks/.build benchmarks/.peers tests/autobahn/.suite tests/autobahn/.report .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Stamps: each is newer than what it was made from, so a second run has nothing to do.

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "hubbub needs Python 3.11 or newer; say which: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "making .venv"
	@$(PYTHON) -m venv --clear .venv
	@pwd -P > $@

# Its programs name the directory it was made in: where that was moved or copied they do not run.
ifneq ($(filter-out $(shell pwd -P),$(shell cat .venv/.made 2>/dev/null)),)
.PHONY: .venv/.made
endif

.venv/.serving: .venv/.made requirements/base.txt requirements/build.txt pyproject.toml
	@echo "installing hubbub and what it runs on"
	@$(PIP) install --require-hashes -r requirements/base.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/.chatting: .venv/.serving requirements/tui.txt
	@echo "installing the full-screen client"
	@$(PIP) install --require-hashes -r requirements/tui.txt
	@touch $@

.venv/.clustering: .venv/.serving requirements/cluster.txt
	@echo "installing what talks to PostgreSQL and NATS"
	@$(PIP) install --require-hashes -r requirements/cluster.txt
	@touch $@

.venv/.developing: .venv/.serving requirements/dev.txt
	@echo "installing the tools for working on it"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# Where there is no atheris for this machine, the soak goes without fuzzing, and says so.
.venv/.fuzzing: .venv/.developing requirements/fuzz.txt
	@echo "installing the fuzzer"
	@$(PIP) install --require-hashes -r requirements/fuzz.txt || echo "no fuzzer for this machine" >&2
	@touch $@

# Put in place when it is whole: tests that run side by side may all ask for it.
benchmarks/.build/%: benchmarks/reference/%.c
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 -O2 -Wall -Wextra -o $@.$$$$ $< && mv $@.$$$$ $@

benchmarks/.peers/.installed: benchmarks/peers/install $(wildcard benchmarks/peers/*.txt benchmarks/peers/*.json benchmarks/peers/node/*)
	@echo "installing the peers into benchmarks/.peers"
	@PYTHON=$(PYTHON) benchmarks/peers/install
	@touch $@

tests/autobahn/.suite/.installed: tests/autobahn/install tests/autobahn/requirements.txt tests/autobahn/virtualenv.txt
	@echo "installing the Autobahn test suite into tests/autobahn/.suite"
	@tests/autobahn/install
	@touch $@
