# model_exporter. `make help` lists what there is.
#
#   make demo ARGS=--once      arguments for the demo
#   make test-fast ARGS='-k psi'   arguments for pytest
#   make PYTHON=python3.12 ... another interpreter for .venv

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo test lint test-fast test-slow test-current test-kserve format bench bench-verdicts bench-outcomes bench-rules \
	bench-incidents bench-dashboards bench-peers bench-cost instructions screenshots lock fuzz clean setup tools clients \
	collector

SHELL := /bin/sh
BIN := .venv/bin
ARGS ?=
CLIENTS ?=
SECONDS ?= 600
TARGETS ?=
export PYTHON

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' Makefile

demo: ## Watch real models have a bad day: exporter, OpenTelemetry SDK, Prometheus and Alertmanager when both are there
	@.ci/setup-python demo
	@exec $(BIN)/model_exporter demo $(ARGS)

test: setup tools lint test-fast test-slow ## Lint, types, import contracts, then all tests

lint: setup ## ruff, mypy --strict, import-linter
	@echo '==> ruff check' && $(BIN)/ruff check --quiet .
	@echo '==> ruff format --check' && $(BIN)/ruff format --quiet --check .
	@echo '==> mypy' && $(BIN)/mypy
	@echo '==> lint-imports' && PYTHONPATH=exporter $(BIN)/lint-imports --no-cache --no-logo

test-fast: setup ## Unit, property and contract tests, on two cores
	@echo '==> pytest: unit, property and contract tests'
	@$(BIN)/pytest -n 2 -m 'not slow and not e2e' $(ARGS)

test-slow: setup tools clients collector ## Slow tests, and real clients against the running exporter
	@echo '==> pytest: slow and end-to-end tests'
	@$(BIN)/pytest -n 4 --dist loadfile -m 'slow or e2e' --durations 10 $(ARGS)

test-current: setup test-kserve ## Tests of rules, routes and alerts on a current Prometheus and Alertmanager (needs Go)
	@.ci/setup-current; status=$$?; [ $$status != 3 ] || exit 0; [ $$status = 0 ] || exit $$status; \
	echo '==> pytest: tests of rules, routes and alerts, on current servers'; \
	for program in promtool prometheus amtool alertmanager; do \
		export "MODEL_EXPORTER_TEST_$$(echo $$program | tr a-z A-Z)=$$PWD/.tools/current/$$program"; \
	done; \
	exec $(BIN)/pytest -m prometheus $(ARGS)

test-kserve: setup ## Tests with the payload logger of KServe's agent (needs Go)
	@.ci/setup-kserve; status=$$?; [ $$status != 3 ] || exit 0; [ $$status = 0 ] || exit $$status; \
	echo "==> pytest: KServe's payload logger"; \
	export MODEL_EXPORTER_TEST_KSERVE=$$PWD/.tools/kserve/agent; \
	exec $(BIN)/pytest tests/e2e/test_client_kserve.py $(ARGS)

format: setup ## Let ruff rewrite the code
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format .

bench: setup ## Measure what a prediction and a scrape cost
	@for bench in decode exposition ingest mapping forward slots update; do $(call run-bench,$$bench) || exit 1; done

bench-verdicts: setup ## Measure verdicts: false alarms, delays, gauges, pairs, peers
	@$(BIN)/python -m pip install --quiet --no-deps --requirement tests/benchmarks/requirements.txt
	@for bench in false_alarms delay concept_change gauges pairs seasons mewma stretch; do $(call run-bench,$$bench) || exit 1; done
	@$(MAKE) --no-print-directory bench-peers

bench-outcomes: setup ## Measure outcomes: intervals of performance, restarts, facts, predictions that wait
	@for bench in performance checkpoint facts join; do $(call run-bench,$$bench) || exit 1; done

bench-rules: setup tools ## Measure the rules: cost on a real Prometheus (about 20 minutes), false alarms of a fleet's drift
	@for bench in rules fleet_drift; do $(call run-bench,$$bench) || exit 1; done

bench-incidents: setup tools ## Measure incidents in simulated time: ten clean days, and eight faults
	@$(call run-bench,incidents)

bench-dashboards: setup tools ## Measure what opening a dashboard costs a Prometheus (8 GB of memory, 10 GB of disk)
	@$(call run-bench,dashboards)

bench-peers: setup ## Compare verdicts with river, Evidently and NannyML, each in an environment of its own
	@.ci/setup-peers evidently nannyml river && $(call run-bench,peers)

bench-cost: setup collector ## Measure what a prediction costs, beside targets and peers (15 minutes; ARGS=--quick: 6)
	@.ci/setup-peers && $(call run-bench,cost) $(ARGS)

instructions: setup tools ## Renew the instruction counts that a test holds every stage to (valgrind, a C compiler)
	@PYTHONPATH=tests $(BIN)/python tests/benchmarks/instructions.py

fuzz: setup ## Fuzz decoders, languages and files for SECONDS=600, all TARGETS or some, with sanitizers (needs clang)
	@.ci/setup-fuzz
	@PYTHONPATH=tests $(BIN)/python tests/fuzz/campaign.py --seconds $(SECONDS) $(TARGETS) $(ARGS)

run-bench = echo "==> bench_$(1)" && PYTHONPATH=tests $(BIN)/python tests/benchmarks/bench_$(1).py

screenshots: setup ## Draw the dashboards in three states to dashboards/pictures (needs Node.js, Prometheus; 700 MB)
	@.ci/setup-pictures
	@PYTHONPATH=tests $(BIN)/python tests/pictures/screenshots.py $(ARGS)

.PHONY: render
render: setup ## Render again what is committed as rendered: dashboards, routing, rules for Kubernetes, serving stacks
	@$(BIN)/model_exporter pack dashboards -o dashboards
	@$(BIN)/model_exporter pack alertmanager --no-templates --owners alertmanager/owners.example.yml -o alertmanager/alertmanager.yml
	@$(BIN)/model_exporter pack alertmanager --no-templates --owners exporter/compose/owners.yml \
		--base exporter/compose/base.yml -o exporter/compose/alertmanager.yml
	@rules=$$($(BIN)/model_exporter pack rules --format operator) && \
		printf '%s\n' "$$rules" >exporter/kubernetes/prometheusrules.yaml
	@PYTHONPATH=tests $(BIN)/python -m systems

lock: ## Renew requirements.lock from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo 'error: make lock needs uv (https://docs.astral.sh/uv)' >&2; exit 1; }
	@uv pip compile --quiet --upgrade --universal --python-version 3.11 --fork-strategy fewest --all-extras \
		--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
		--output-file requirements.lock pyproject.toml

clean: ## Remove everything that the other targets made
	rm -rf .venv .venv-peers .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .timelapse build dist
	rm -rf tests/e2e/node/node_modules tests/pictures/node_modules tests/pictures/build
	find exporter tests -name __pycache__ -type d -prune -exec rm -rf {} +
	find exporter/model_exporter -type f \( -name '*.so' -o -name '*.c' \) -delete

setup:
	@.ci/setup-python dev,demo

tools:
	@.ci/install-tools

collector:
	@.ci/setup-collector

clients: setup
	@.ci/setup-clients $(CLIENTS)
