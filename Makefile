# Two commands to remember: `make demo` and `make test`. Both do all the set-up themselves.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# The first Python of these that runs, is 3.11 or newer, and can make virtual environments.
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3 python; do \
	$$each -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo $$each; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP_VERSION := 26.3
# Three processes for two cores, since tests wait for servers, disks and clocks for a third of their time. The tests
# of a file share what they prepare, so a file stays in one process; tests/conftest.py puts the longest first.
PARALLEL ?= -n 3 --dist loadfile --no-loadscope-reorder

# BLAS threads beside our own only slow a small machine down; the fits set their number themselves.
export OPENBLAS_NUM_THREADS ?= 1
# Threads that wait by spinning make a fit on a busy machine several times slower.
export OMP_WAIT_POLICY ?= PASSIVE
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := 1

.PHONY: help setup demo test test-quick test-long test-cluster check types borders bench-quality bench-speed bench-simulator bench-decisions bench-serving bench-pages bench-loads bench-campaign bench-uplift bench-scale bench-leaks bench-fairness bench-monitor bench-loop bench-retrain constraints hashes sbom audit attack wheel clean

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## Make .venv with everything that the other targets need.

# The stamp makes a second run quick; a changed pyproject.toml or constraints.txt installs again.
$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with the venv module was found on the PATH (Debian, Ubuntu: apt install python3 python3-venv)." >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip==$(PIP_VERSION)'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[training,serving,postgresql]' --group dev
	@touch $@

demo: $(READY)  ## Simulate a bank, import it, train, backtest, and show a relationship manager's call list.
	$(BIN)/vipreco demo data/demo

check: $(READY)  ## Check style, types, import contracts, words, borders and sizes.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types borders

types: $(READY)
	$(BIN)/mypy

borders: $(READY)
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/architecture

test: check  ## Check style, types and import contracts, and run every test.
	$(BIN)/python -m pytest $(PARALLEL) --ignore tests/architecture

test-quick: check  ## The same without the tests that take more than ten seconds.
	$(BIN)/python -m pytest $(PARALLEL) --ignore tests/architecture -m 'not slow and not long'

test-long: $(READY)  ## Try rare moments again and again: kills and rivals of a campaign run; takes minutes.
	$(BIN)/python -m pytest -m long

test-cluster: $(READY)  ## Try parts on S3 and on Spark (needs Java 17): installs 500 MB first.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group cluster
	$(BIN)/python -m pytest -m '' tests/parts tests/engines tests/cluster

bench-quality: $(READY)  ## Measure ranking, calibration and AUC on the public data beside the project.
	$(BIN)/python experiments/bench_quality.py

bench-speed: $(READY)  ## Measure import, features, training and scoring, with time and peak memory.
	$(BIN)/python experiments/bench_speed.py

bench-simulator: $(READY)  ## Measure the simulated bank: speed, our offers against the oracle, planted faults found.
	$(BIN)/python experiments/bench_simulator.py

bench-decisions: $(READY)  ## Measure what the call list is worth in simulated banks that live by it, and its speed.
	$(BIN)/python experiments/bench_decisions.py

bench-serving: $(READY)  ## Measure the running service beside a null route, and what an answer takes in one process.
	$(BIN)/python experiments/bench_serving.py
	$(BIN)/python experiments/bench_answer.py

bench-pages: $(READY)  ## Measure every page of every role over 20,000 customers: time to open it, processor time.
	$(BIN)/python experiments/bench_pages.py

bench-loads: $(READY)  ## Measure L1 to L10 of tests/CASES.md, and show all ten with met or MISSED.
	$(BIN)/python experiments/bench_loads.py

bench-campaign: $(READY)  ## Measure campaigns: gap to the optimum, time, memory, false alarms and coverage of the lift.
	$(BIN)/python experiments/bench_campaign.py
	$(BIN)/python experiments/bench_lift.py

bench-scale: $(READY)  ## Measure a bank in parts (hours; ONLY=parts, cost, cap, fit or campaign for one row).
	$(BIN)/python experiments/bench_scale.py $(if $(ONLY),--only $(ONLY))

bench-uplift: $(READY)  ## Judge learners of uplift on the public e-mail experiment beside the project.
	$(BIN)/python experiments/006-uplift-hillstrom/run.py

bench-leaks: $(READY)  ## Plant columns that know the label, and look for alarms in 20 clean banks.
	$(BIN)/python experiments/bench_leaks.py

bench-fairness: $(READY)  ## Plant a bias of the past in simulated banks, and compare groups in them and in their clean twins.
	$(BIN)/python experiments/bench_fairness.py

bench-monitor: $(READY)  ## Measure the monitoring: quiet bank, planted shifts and drift, a million customers.
	$(BIN)/python experiments/bench_monitor.py

bench-retrain: $(READY)  ## Measure a monthly retraining of 200,000 customers beside a champion: time and memory.
	$(BIN)/python experiments/bench_retrain.py

bench-loop: $(READY)  ## Measure the monthly loop: worse challengers let through, and twelve cycles beside a frozen model.
	$(BIN)/python experiments/bench_loop.py

wheel: $(READY)  ## Build the wheel and the source archive into dist/.
	$(BIN)/python -m build

# Resolves the public ranges of pyproject.toml anew in an environment of its own; the oldest supported Python
# decides, so that one file serves all of them.
constraints:  ## Pin the newest versions that pyproject.toml allows.
	rm -rf build/pin && $(PYTHON) -m venv build/pin
	build/pin/bin/python -m pip install --quiet --disable-pip-version-check 'pip==$(PIP_VERSION)'
	build/pin/bin/python -m pip install --quiet --disable-pip-version-check -e '.[training,serving,postgresql,spark]' \
	  --group dev --group cluster
	{ echo '# The versions that the project is tested with, on Python 3.11, 3.12 and 3.13. Made by `make constraints`.'; \
	  build/pin/bin/python -m pip freeze --exclude-editable; } > constraints.txt
	rm -rf build/pin

# For a bank that installs from its own mirror: what comes must be what was tested, wherever it comes from.
hashes:  ## Write serving/hashes.txt and training/hashes.txt: the pinned packages with their hashes.
	rm -rf build/hashes && $(PYTHON) -m venv build/hashes
	build/hashes/bin/python -m pip install --quiet --disable-pip-version-check 'pip==$(PIP_VERSION)'
	for rim in serving training; do \
	  build/hashes/bin/python -m pip install --quiet --disable-pip-version-check --dry-run --ignore-installed \
	    --report build/hashes/$$rim.json -c constraints.txt \
	    ".[$$( [ $$rim = serving ] && echo serving,postgresql || echo training,serving,postgresql )]" \
	  && build/hashes/bin/python .ci/hashes.py build/hashes/$$rim.json $$rim/hashes.txt "the $$rim extra" \
	  || exit 1; done
	rm -rf build/hashes

sbom: $(READY)  ## Write build/sbom.json: everything that is installed in .venv, as CycloneDX.
	test -x build/tools/bin/cyclonedx-py || { $(PYTHON) -m venv build/tools && build/tools/bin/python -m pip install \
	  --quiet --disable-pip-version-check 'cyclonedx-bom>=7,<8'; }
	build/tools/bin/cyclonedx-py environment --output-reproducible --short-PURLs --pyproject pyproject.toml \
	  --mc-type application --output-format JSON --output-file build/sbom.json $(BIN)/python
	@echo "build/sbom.json"

audit:  ## Ask an advisory service about the pinned packages; AUDIT_OPTIONS can name one of your own.
	test -x build/tools/bin/pip-audit || { $(PYTHON) -m venv build/tools && build/tools/bin/python -m pip install \
	  --quiet --disable-pip-version-check 'pip-audit>=2.9,<3'; }
	build/tools/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r training/hashes.txt $(AUDIT_OPTIONS)

attack: $(READY)  ## Attack a running service in every way of tests/attack; prints what was tried and found.
	$(BIN)/python -m tests.attack --report build/attack.md

clean:  ## Remove build products, caches and the demo; .venv and your own data stay.
	rm -rf build dist data/demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src features training tests experiments -name __pycache__ -type d -prune -exec rm -rf {} +
