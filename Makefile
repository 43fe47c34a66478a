# Every task of the project. `make help` names them; `make run` and `make test` set everything up by themselves.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAM_VENV := .tools/sam
SETUP := $(VENV)/.ready node_modules/.ready
SAM := $(SAM_VENV)/bin/sam
UV := 0.13.9
export PYTHONTZPATH := # time zones come from the pinned tzdata package, as in the layer
export SAM_CLI_TELEMETRY := 0
# The lists are complete, so pip resolves nothing: in hash mode it stumbles over pins that carry extras.
INSTALL := install --quiet --disable-pip-version-check --no-deps --require-hashes

RIGHT_PYTHON := $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
  || { echo "Modelpass needs Python 3.11 or newer; name one with PYTHON=/path/to/python3." >&2; exit 1; }

.DEFAULT_GOAL := help
.PHONY: help setup run demo token seed openapi test soak lint format types validate build check lock clean

help: ## name every target
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

setup: $(SETUP) ## install everything into this folder (.venv, node_modules)

$(VENV)/.ready: requirements/dev.txt
	@$(RIGHT_PYTHON)
	@echo "Setting up Python packages ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip $(INSTALL) -r requirements/dev.txt >&2
	@touch $@

node_modules/.ready: package-lock.json
	@command -v npm >/dev/null || { echo "Modelpass needs npm for its local DynamoDB engine and API reference; install Node.js." >&2; exit 1; }
	@echo "Setting up the DynamoDB engine and the API reference ..." >&2
	@npm ci --silent >&2
	@touch $@

$(SAM): requirements/sam.txt
	@$(RIGHT_PYTHON)
	@echo "Setting up the SAM CLI ..." >&2
	@$(PYTHON) -m venv $(SAM_VENV)
	@$(SAM_VENV)/bin/pip $(INSTALL) -r requirements/sam.txt >&2
	@touch $@

run: $(SETUP) ## run the whole service on this machine (PORT=3000, DATA=folder to keep the data)
	@PYTHONPATH=layers/modelpass exec $(BIN)/python -m local run

demo: $(SETUP) ## play the whole story, against the running stack or one of its own
	@PYTHONPATH=layers/modelpass exec $(BIN)/python -m local demo

token: $(VENV)/.ready ## print a JWT for ACCOUNT=… [SCOPE=operator]
	@PYTHONPATH=layers/modelpass exec $(BIN)/python -m local token

seed: $(VENV)/.ready ## put catalogue.json into a deployment: TOKEN=… [API=https://…], as an operator
	@PYTHONPATH=layers/modelpass exec $(BIN)/python -m local seed

openapi: $(VENV)/.ready ## write docs/openapi.json anew, from the code
	@PYTHONPATH=layers/modelpass exec $(BIN)/python -m local openapi

test: $(SETUP) ## run every test
	$(BIN)/python -m pytest

soak: $(SETUP) ## hold the service to the ledger for longer, about half an hour
	$(BIN)/python -m pytest -n0 -s --hypothesis-profile=soak tests/property | grep -v '^{'

lint: $(SETUP) ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(SETUP) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(SETUP) ## static types, strict
	$(BIN)/mypy
	@for app in functions/*/app.py; do $(BIN)/mypy $$app || exit 1; done

validate: $(SETUP) $(SAM) ## check template.yaml
	AWS_DEFAULT_REGION=eu-west-1 $(SAM) validate --lint
	$(BIN)/cfn-lint template.yaml

build: $(SAM) ## build what would be deployed, into .aws-sam
	AWS_DEFAULT_REGION=eu-west-1 $(SAM) build

check: lint types validate build test ## all that CI runs

lock: $(VENV)/.ready ## pin the newest versions that fit, with hashes
	$(PYTHON) -m venv .tools/uv && .tools/uv/bin/pip install --quiet uv==$(UV)
	for pair in layers/modelpass/requirements requirements/dev requirements/sam; do \
	  .tools/uv/bin/uv pip compile --upgrade --universal --no-strip-extras --python-version 3.11 --generate-hashes \
	    --no-header --no-annotate --quiet $$pair.in -o $$pair.txt || exit 1; done

clean: ## remove everything that was set up or built
	rm -rf $(VENV) .tools node_modules .aws-sam .local .pytest_cache .mypy_cache .ruff_cache .hypothesis
