# Every task of the project. `make help` names them; `make run` and `make test` set everything up by themselves.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAM_VENV := .tools/sam
CHECKOV_VENV := .tools/checkov
OPS_VENV := .tools/ops
LITELLM_VENV := .tools/litellm
UV_VENV := .tools/uv
MUTMUT := .tools/mutmut
BROWSER := .tools/browser/.ready
# The browser of the stories; without one, `make test` says that it leaves them out.
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
CONSOLE := console/dist/index.html
# Folders as well: their time changes when a file goes.
CONSOLE_FROM := $(shell find console \( -name node_modules -o -name dist -o -name schema.d.ts \) -prune -o -not -name console -print)
SETUP := $(VENV)/.ready node_modules/.ready
SAM := $(SAM_VENV)/bin/sam
CHECKOV := $(CHECKOV_VENV)/bin/checkov
OPS := $(OPS_VENV)/.ready
LITELLM := $(LITELLM_VENV)/.ready
UV := $(UV_VENV)/bin/uv
EXPANDED := .local/template.json
ARCH ?= arm64
# Functions are run here in Lambda's version of Python, or in this one where that is not on the machine.
ifneq ($(filter bench bench-against lambda-runtime reliability run-lambda test-runtime,$(MAKECMDGOALS)),)
PYTHON_HERE := $(shell $(PYTHON) deploy/artifact.py version-here)
endif
RUNTIME_CLIENT := .tools/lambda-python$(PYTHON_HERE)
BUILT_HERE := .aws-sam/here-$(PYTHON_HERE)
# Folders as well: their time changes when a file goes.
BUILT_FROM := template.yaml samconfig.toml deploy/Makefile \
  $(shell find deploy functions layers -name __pycache__ -prune -o \( -type d -o -name '*.py' -o -name requirements.txt \) -print)
export PYTHONTZPATH := # time zones come from the pinned tzdata package, as in the layer
export SAM_CLI_TELEMETRY := 0
# What names a deployment for `make audit`; without, it looks at what is here.
DEPLOYED := $(STACK)$(ENTITLEMENTS_TABLE)$(SUBSCRIPTIONS_TABLE)$(HISTORY_TABLE)$(EVENTS_TABLE)
# Credentials that the shell exports reach the tools for deployments alone, or a DynamoDB that is named.
CREDENTIALS := AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE \
  AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_WEB_IDENTITY_TOKEN_FILE AWS_BEARER_TOKEN_BEDROCK
ifeq ($(AWS_ENDPOINT_URL_DYNAMODB)$(filter upgrade restore console-deploy $(if $(DEPLOYED),audit),$(MAKECMDGOALS)),)
unexport $(CREDENTIALS)
endif
# The lists are complete, so pip resolves nothing: in hash mode it stumbles over pins that carry extras.
INSTALL := install --quiet --disable-pip-version-check --no-deps --require-hashes

# The command line, which runs the tools; for deployments with the packages of requirements/ops.txt and no others.
CLI := PYTHONPATH=clients/python exec
RUN_OPS := $(CLI) $(OPS_VENV)/bin/python -m modelpass_client.cli
LOCAL_URL := http://127.0.0.1:$${PORT:-3000}
WEEK_AGO := from datetime import datetime, timedelta, timezone as zone; \
  print((datetime.now(zone.utc) - timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ"))

BENCHMARK := PYTHONPATH=layers/modelpass:clients/python:. AWS_DEFAULT_REGION=eu-west-1 POWERTOOLS_SERVICE_NAME=modelpass \
  POWERTOOLS_METRICS_NAMESPACE=Modelpass $(BIN)/python -u -m benchmarks

RIGHT_PYTHON := $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
  || { echo "Modelpass needs Python 3.11 or newer; name one with PYTHON=/path/to/python3." >&2; exit 1; }

.DEFAULT_GOAL := help
.PHONY: help setup run run-lambda demo token seed upgrade audit restore browser console console-check console-deploy openapi cli-page screenshots test test-litellm test-runtime soak bench bench-against bench-peers bench-restore bench-router faults cost reliability scale coverage mutants lint format types \
  validate build lambda-runtime litellm alone check lock clean

help: ## name every target
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

setup: $(SETUP) $(CONSOLE) ## install everything into this folder (.venv, node_modules, console)

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

# Wheels alone, and without credentials: nothing of these packages runs before it is asked to.
$(OPS): requirements/ops.txt
	@$(RIGHT_PYTHON)
	@echo "Setting up the tools for deployments ..." >&2
	@rm -rf $(OPS_VENV) && $(PYTHON) -m venv $(OPS_VENV)
	@env $(CREDENTIALS:%=-u %) $(OPS_VENV)/bin/pip $(INSTALL) --only-binary :all: -r requirements/ops.txt >&2
	@touch $@

# The proxy that the LiteLLM plug-in is tried with, and its customers' clients.
$(LITELLM): requirements/litellm.txt
	@$(RIGHT_PYTHON)
	@echo "Setting up LiteLLM's proxy ..." >&2
	@rm -rf $(LITELLM_VENV) && $(PYTHON) -m venv $(LITELLM_VENV)
	@$(LITELLM_VENV)/bin/pip $(INSTALL) --only-binary :all: -r requirements/litellm.txt >&2
	@touch $@

$(UV): requirements/uv.txt
	@$(PYTHON) -m venv $(UV_VENV)
	@$(UV_VENV)/bin/pip $(INSTALL) --only-binary :all: -r requirements/uv.txt >&2
	@touch $@

# Lambda's runtime client for Python, as a layer of the runtime holds it, and a build for this machine.
$(RUNTIME_CLIENT): requirements/lambda-runtime.txt | $(SAM)
	@echo "Setting up Lambda's runtime client ..." >&2
	@rm -rf $@ && $(SAM_VENV)/bin/pip $(INSTALL) --only-binary :all: --python-version $(PYTHON_HERE) --implementation cp \
	  --platform manylinux2014_x86_64 --target $@ -r requirements/lambda-runtime.txt >&2
	@touch $@

$(BUILT_HERE)/template.yaml: $(BUILT_FROM) | $(SAM)
	@$(call SAM_BUILD,x86_64,$(BUILT_HERE),$(PYTHON_HERE))
	@touch $@

SAM_BUILD = ARCH=$(1) LAMBDA_PYTHON=$(3) PYTHON="$(CURDIR)/$(SAM_VENV)/bin/python" AWS_DEFAULT_REGION=eu-west-1 \
  $(SAM) build --build-dir $(2) --parameter-overrides Architecture=$(1) >&2

lambda-runtime: $(SETUP) $(RUNTIME_CLIENT) $(BUILT_HERE)/template.yaml ## set up Lambda's runtime, and a build for it

run-lambda: lambda-runtime $(CONSOLE) ## run the built functions in Lambda's own runtime, emulated; otherwise like `make run`
	@MODELPASS_ARTIFACTS=$(BUILT_HERE) LAMBDA_PYTHON=$(PYTHON_HERE) PYTHONPATH=layers/modelpass exec $(BIN)/python -m local run

$(CHECKOV): requirements/checkov.txt
	@$(RIGHT_PYTHON)
	@echo "Setting up checkov ..." >&2
	@$(PYTHON) -m venv $(CHECKOV_VENV)
	@$(CHECKOV_VENV)/bin/pip $(INSTALL) -r requirements/checkov.txt >&2
	@touch $@

# Beside the packages of $(VENV): the tests of a mutant need these as well.
$(MUTMUT): requirements/mutants.txt | $(VENV)/.ready
	@echo "Setting up mutmut ..." >&2
	@rm -rf $@ && $(BIN)/pip $(INSTALL) --target $@ -r requirements/mutants.txt >&2
	@touch $@

# Packages from pip and from npm come side by side: each waits for the network and for a disk in turn.
run: ## run the whole service and its console on this machine (PORT=3000, DATA=folder to keep the data)
	@$(MAKE) --no-print-directory --jobs=3 setup
	@PYTHONPATH=layers/modelpass exec $(BIN)/python -m local run

demo: $(SETUP) ## play the whole story, against the running stack or one of its own
	@PYTHONPATH=layers/modelpass exec $(BIN)/python -m local demo

token: $(VENV)/.ready ## print a JWT for ACCOUNT=… [SCOPE=operator] [CLAIMS='{…}']
	@PYTHONPATH=layers/modelpass exec $(BIN)/python -m local token

seed: $(OPS) ## put catalogue.json into a deployment, as an operator: TOKEN=… [API=its OperatorApiUrl] [CONFIRM=yes]
	@export MODELPASS_TOKEN="$${TOKEN:-$$MODELPASS_TOKEN}" MODELPASS_URL="$${API:-$(LOCAL_URL)}"; $(RUN_OPS) seed

upgrade: $(OPS) ## bring what a deployment has stored to the newest schema version: STACK=…
	@$(RUN_OPS) upgrade

audit: $(if $(DEPLOYED),$(OPS),$(SETUP)) ## check every equation over what is stored: the running stack's, DATA=folder, STACK=name or tables by name
	@$(if $(DEPLOYED),$(RUN_OPS),export MODELPASS_URL="$(LOCAL_URL)"; $(CLI) $(BIN)/python -m modelpass_client.cli) audit

restore: $(OPS) ## let a deployment hold what restored tables hold: STACK=… FROM='{}-restored' [UNITS=3000]
	@$(RUN_OPS) restore --yes

# Built by a make of its own, which has no credentials: what npm installs and runs never sees them.
console-deploy: $(OPS) ## build the web console, and bring it to a deployment that has Console=Enabled: STACK=…
	@env $(CREDENTIALS:%=-u %) $(MAKE) --no-print-directory console
	@$(RUN_OPS) console-deploy

console: $(CONSOLE) ## build the web console into console/dist

$(CONSOLE): $(CONSOLE_FROM) console/node_modules/.ready
	@echo "Building the web console ..." >&2
	@cd console && npm run --silent bundle -- --logLevel error >&2
	@touch $@

console-check: console/node_modules/.all ## the web console's types, style and unit tests
	@cd console && npm run --silent check && npm test --silent

# A build needs a tenth of what checks the console, axe among it. One target of a make installs, the other follows it.
ifneq ($(filter alone browser check console-check screenshots test,$(MAKECMDGOALS)),)
console/node_modules/.ready: console/node_modules/.all
	@touch $@
else
console/node_modules/.ready: console/package-lock.json
	@$(call CONSOLE_PACKAGES,--omit=dev)
	@touch $@
endif

console/node_modules/.all: console/package-lock.json
	@$(CONSOLE_PACKAGES)
	@touch $@

CONSOLE_PACKAGES = command -v npm >/dev/null || { echo "Modelpass needs npm for its web console; install Node.js." >&2; exit 1; }; \
  echo "Setting up the web console ..." >&2; cd console && npm ci --silent $(1) >&2

$(BROWSER): requirements/browser.txt | $(VENV)/.ready
	@echo "Setting up Playwright ..." >&2
	@rm -rf $(dir $@) && $(BIN)/pip $(INSTALL) --only-binary :all: --target $(dir $@) -r requirements/browser.txt >&2
	@touch $@

browser: console/node_modules/.all $(BROWSER) $(CONSOLE) ## set up the stories in a browser: Playwright, axe, and the built console

screenshots: $(SETUP) browser ## draw the main views of the console anew, into docs/images
	@PYTHONPATH=layers/modelpass:.tools/browser $(BIN)/python -m tests.browser.screenshots

openapi: $(VENV)/.ready ## write docs/openapi.json anew, from the code
	@PYTHONPATH=layers/modelpass exec $(BIN)/python -m contract.openapi

cli-page: $(VENV)/.ready ## write docs/cli.md anew, from the commands
	@PYTHONPATH=clients/python exec $(BIN)/python -m contract.cli_page

test: $(SETUP) $(if $(CHROMIUM),browser) ## run every test but those in Lambda's runtime; with a Chromium, the stories in it
	$(if $(CHROMIUM),,@echo "There is no Chromium on this machine (PATH, CHROMIUM=…): the stories in a browser are skipped." >&2)
	$(BIN)/python -m pytest

test-runtime: lambda-runtime ## run the built functions in Lambda's own runtime, one by one and together
	MODELPASS_ARTIFACTS=$(BUILT_HERE) LAMBDA_PYTHON=$(PYTHON_HERE) $(BIN)/python -m pytest tests/runtime tests/e2e/test_main_job.py

litellm: $(LITELLM) ## set up LiteLLM's proxy

test-litellm: $(SETUP) $(LITELLM) ## the LiteLLM plug-in against the real proxy, a few minutes
	$(BIN)/python -m pytest -n0 tests/litellm

soak: $(SETUP) ## compare the service with the ledger over random requests, about half an hour
	$(BIN)/python -m pytest -n0 -s --hypothesis-profile=soak tests/property | grep -v '^{'

bench: lambda-runtime ## how fast it is, as ratios of one run, into docs/performance.md (ONLY=hot,cold RUNS=3)
	@MODELPASS_ARTIFACTS=$(BUILT_HERE) LAMBDA_PYTHON=$(PYTHON_HERE) $(BENCHMARK).bench | grep -v --line-buffered '^{'

# A copy of an earlier commit, and its build; the SAM CLI is that of this folder.
BEFORE ?= HEAD~1
BEFORE_COPY := .local/before
bench-against: lambda-runtime ## measure authorize and settle beside those of an earlier commit, in one run (BEFORE=HEAD~1 RUNS=25)
	@rm -rf $(BEFORE_COPY) && mkdir -p $(BEFORE_COPY) && git archive $(BEFORE) | tar -x -C $(BEFORE_COPY)
	@$(MAKE) --silent -C $(BEFORE_COPY) SAM_VENV=../../$(SAM_VENV) PYTHON_HERE=$(PYTHON_HERE) BUILT_HERE=$(BUILT_HERE) \
	  -o ../../$(SAM) $(BUILT_HERE)/template.yaml
	@MODELPASS_ARTIFACTS=$(BUILT_HERE) MODELPASS_BEFORE=$(BEFORE_COPY)/$(BUILT_HERE) LAMBDA_PYTHON=$(PYTHON_HERE) \
	  $(BENCHMARK).against | grep -v --line-buffered '^{'

faults: $(SETUP) ## let every store call fail and run every two commands into each other, with boto3 as well, a quarter of an hour
	STORE_CLIENT=boto3 $(BIN)/python -m pytest tests/integration/test_{faults,interleavings,lost_replies,races}.py

cost: $(SETUP) ## what a million requests cost, from what they consume here (BILLED_MS=8 MEMORY_MIB=512)
	@$(BENCHMARK).cost | grep -v "^{"

reliability: lambda-runtime ## isolation, losses, outages and revocation, into docs/reliability.md, under ten minutes (ONLY=settles,…)
	@MODELPASS_ARTIFACTS=$(BUILT_HERE) LAMBDA_PYTHON=$(PYTHON_HERE) $(BENCHMARK).reliability | grep -v --line-buffered '^{'

scale: $(SETUP) ## the reset's work among 100,000 entitlements, and an audit of them, a few minutes
	@$(BENCHMARK).scale | grep -v --line-buffered '^{'

bench-restore: $(SETUP) ## what a restore takes among 100,000 items, a quarter of an hour (ITEMS=100000)
	@$(BENCHMARK).restoring

bench-peers: $(SETUP) ## measure Modelpass and its peers on the same engine, into docs/peers.md, a few minutes
	@$(BENCHMARK).peers

bench-router: $(SETUP) ## measure a decision on the router's side by each way, into docs/performance.md, a few minutes
	@$(BENCHMARK).router

coverage: $(SETUP) ## which lines and branches of the package the tests in this process reach, a few minutes
	$(BIN)/python -m pytest --cov --cov-report=term tests/unit tests/property tests/integration

mutants: $(SETUP) $(MUTMUT) ## change the pure core in small ways, and see that a test fails (ONLY=rules,windows MINUTES=10)
	@PYTHONPATH=$(CURDIR)/$(MUTMUT) nice $(BIN)/python -m mutation

lint: $(SETUP) ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(SETUP) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(SETUP) ## static types, strict
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.10 clients/python/modelpass_client

validate: $(SETUP) $(SAM) $(CHECKOV) ## check template.yaml, also as CloudFormation gets it, and front/template.yaml
	AWS_DEFAULT_REGION=eu-west-1 $(SAM) validate --config-env prod
	$(BIN)/cfn-lint template.yaml
	$(BIN)/cfn-lint --regions us-east-1 -- front/template.yaml
	@mkdir -p $(dir $(EXPANDED))
	@PYTHONPATH=layers/modelpass $(BIN)/python -m local expanded >$(EXPANDED)
	$(CHECKOV) -f template.yaml -f front/template.yaml -f $(EXPANDED)

build: $(SAM) ## build what would be deployed, into .aws-sam/build (ARCH=arm64), or for this machine (ARCH=x86_64)
	@$(call SAM_BUILD,$(ARCH),.aws-sam/$(if $(filter arm64,$(ARCH)),build,$(ARCH)),)
	@$(PYTHON) -m deploy.sizes .aws-sam/$(if $(filter arm64,$(ARCH)),build,$(ARCH))

# Each of these keeps one core busy, as does the set-up of its tools, so they are made two at a time, and what ALSO names
# with them. The build comes first, long before `validate` asks the SAM CLI as well.
alone: ## build, types, style, template and console, two at a time (ALSO=litellm)
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target build types lint validate console-check $(ALSO)

# The tests keep all cores busy.
check: alone ## all that CI runs
	@$(MAKE) --no-print-directory test-runtime
	@$(MAKE) --no-print-directory test

lock: $(UV) ## pin the newest versions that fit and are a week old, with hashes
	week_ago=$$($(PYTHON) -c '$(WEEK_AGO)'); \
	for pair in layers/modelpass/requirements layers/sdk/requirements layers/powertools/requirements \
	    layers/pydantic/requirements layers/tracer/requirements requirements/uv requirements/ops requirements/dev requirements/browser \
	    requirements/mutants requirements/sam requirements/checkov requirements/lambda-runtime requirements/litellm requirements/peers-limits requirements/peers-litellm requirements/peers-redis \
	    requirements/peers-zae; do \
	  above=; \
	  case $$pair in \
	    layers/powertools/*) above=layers/sdk/requirements.txt;; \
	    layers/pydantic/* | layers/tracer/*) above="layers/sdk/requirements.txt layers/powertools/requirements.txt";; \
	    requirements/browser | requirements/mutants) above=requirements/dev.txt;; \
	  esac; \
	  own=; [ -z "$$above" ] || own=$$(sed -n 's/^\([a-z0-9-]*\)\(\[.*\]\)\?==.*/--no-emit-package \1/p' $$above); \
	  [ $$pair != requirements/peers-redis ] || own="--no-deps"; \
	  $(UV) pip compile --exclude-newer $$week_ago --upgrade --universal --no-strip-extras --python-version 3.11 --generate-hashes \
	    --no-header --no-annotate --quiet $$own $$pair.in -o $$pair.txt || exit 1; done; \
	cd console && npm update --package-lock-only --before=$$week_ago --silent

clean: ## remove everything that was set up or built
	rm -rf $(VENV) .tools node_modules console/node_modules console/dist console/src/api/schema.d.ts .aws-sam .local .pytest_cache .mypy_cache .ruff_cache .hypothesis
