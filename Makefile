# What there is to do here: `make help`. Nothing needs to be installed first but Python (3.11 or newer), git and make.

PYTHON ?= python3
VENV ?= .venv
CONFIG ?= config/local.yaml
GATEWAY ?= http://127.0.0.1:8080
OPS ?= http://127.0.0.1:9090

# Two stamps say what is installed: the run-time parts, or the tools of developers, too. Their names carry a checksum of
# pyproject.toml, so that a new checkout of the same file installs nothing.
SUM := $(shell cksum < pyproject.toml | cut -d ' ' -f 1)
RUN_TIME := $(VENV)/run-time.$(SUM)
DEVELOPER := $(VENV)/developer.$(SUM)
STAMPS := $(VENV)/run-time.* $(VENV)/developer.*

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input install --quiet

# Of the tests with real servers, the one that `make test-pages` runs, too: of each protocol one.
IN_LINE := tests/clients/test_gradio_pages.py::test_one_paints_while_another_is_in_line_and_both_see_it

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run run-knative-demo load dev check test test-system test-pages test-clients screenshots soak fuzz bench \
  bench-peers fmt clean

help: ## what there is to do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

run: $(RUN_TIME) ## the gateway on config/local.yaml, with stand-ins as pods (CONFIG=FILE: on another)
	@echo 'Traffic: $(GATEWAY)    Operators: $(OPS)/    Ctrl-C stops it.'
	@echo 'No pod runs yet. In a second terminal, try one request, or fifty, five at a time:'
	@echo
	@echo "  curl -X POST $(GATEWAY)/sdapi/v1/txt2img -H 'Content-Type: application/json' -d '{\"prompt\": \"pretty dog\"}'"
	@echo '  make load'
	@echo
	@$(PY) -m gateway serve --config $(CONFIG)

run-knative-demo: $(RUN_TIME) ## the gateway in front of Knative, pretended: pods come and go from zero
	@echo 'Traffic: $(GATEWAY)    Operators: $(OPS)/    Ctrl-C stops it.'
	@echo 'No pod runs yet. API server, autoscaler and pods are stand-ins, all in one process. In a second terminal, try:'
	@echo
	@echo "  curl -X POST $(GATEWAY)/sdapi/v1/txt2img -H 'Content-Type: application/json' -d '{\"prompt\": \"pretty dog\"}'"
	@echo '  make load'
	@echo '  curl -s $(OPS)/metrics | grep -e autoscaler -e kn_revision    # what the autoscaler is told'
	@echo
	@$(PY) -m gateway.wiring.knative_demo

load: $(RUN_TIME) ## 50 requests, 5 at a time, to the gateway that `make run` started
	@$(PY) -m gateway load -n 50 -c 5 -t 180 -m POST -H 'Content-Type: application/json' \
	  -d '{"prompt": "pretty dog"}' --ops $(OPS) $(GATEWAY)/sdapi/v1/txt2img

dev: $(DEVELOPER) ## the environment with the tools of developers

check: $(DEVELOPER) ## formatting, lint, types, who may import whom, the Dockerfile
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/hadolint Dockerfile

test: $(DEVELOPER) ## tests of each part; all branches of the core
	$(PY) -m pytest tests --ignore=tests/system --ignore=tests/pages --ignore=tests/clients \
	  --cov=gateway/core --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

test-system: $(DEVELOPER) ## the whole gateway: real sockets, processes and faults (Debian: hey, prometheus)
	$(PY) -m pytest tests/system

test-pages: $(DEVELOPER) ## what pages show in a browser (Debian: chromium), and the terminal view
	$(PY) -m tests.clients.environments gradio-3 gradio-6
	$(PY) -m pytest tests/pages $(IN_LINE:%='%[gradio-3]') $(IN_LINE:%='%[gradio-6]')

test-clients: $(DEVELOPER) ## real Gradios, gradio_clients, webuiapi and a browser (Debian: chromium); prints figures
	$(PY) -m tests.clients.environments
	$(PY) -m pytest tests/clients

screenshots: $(DEVELOPER) ## the pictures in README, made anew from the running system (Debian: chromium)
	$(PY) -m tests.pages.screenshots

soak: $(DEVELOPER) ## ten minutes of real faults, an hour of virtual ones, and what became of the promises (ARGS='--minutes 1')
	$(PY) -m tests.soak $(ARGS)

fuzz: $(DEVELOPER) ## a minute of coverage-guided fuzzing for each of our parsers (ARGS='--seconds 10 answers': one, shorter)
	@$(PIP) --editable '.[dev,fuzz]'
	$(PY) -m tests.fuzz $(ARGS)

bench: $(DEVELOPER) ## measure the gateway beside those of its peers that are here: thirteen minutes (ARGS=--quick: three)
	$(PY) -m bench $(ARGS)

bench-peers: $(DEVELOPER) ## install the peers that PyPI has: Envoy, Caddy (Debian: haproxy, nginx-light)
	@$(PIP) --editable '.[dev,bench]'

fmt: $(DEVELOPER) ## format, and mend what lint can mend
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

clean: ## remove all that can be made again, save the environment
	rm -rf .clients .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build run *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(RUN_TIME): | $(VENV)/bin/pip
	@echo 'Installing the gateway into $(VENV), once …'
	@$(PIP) --editable .
	@rm -f $(STAMPS)
	@touch $@

$(DEVELOPER): | $(VENV)/bin/pip
	@echo 'Installing the gateway and the tools of developers into $(VENV), once …'
	@$(PIP) --editable '.[dev]'
	@rm -f $(STAMPS)
	@touch $(RUN_TIME) $@

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'Python 3.11 or newer is needed; if it has another name here: make PYTHON=python3.12 …' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo 'On Debian: apt install python3-venv' >&2; exit 1; }
