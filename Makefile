# The recipes of this project. They need python3 (3.11 or newer) and make; everything else goes into .venv here.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

bin := .venv/bin
python := $(bin)/python
# uv looks where pip looks, and trusts what the machine trusts.
index = $(or $(UV_DEFAULT_INDEX),$(PIP_INDEX_URL),$(shell $(python) -m pip config get global.index-url 2>/dev/null))
certs := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),1)
uv = $(if $(index),UV_DEFAULT_INDEX='$(index)') $(if $(certs),UV_SYSTEM_CERTS=1) UV_CACHE_DIR='$(CURDIR)/.make/uv' $(bin)/uv
install := PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 $(python) -m pip install --quiet
compile = @echo 'uv pip compile $(1)' && $(uv) pip compile --quiet --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-header $(1)
upgrade := $(if $(UPGRADE),--upgrade)
runtime_groups := pyproject.toml --group build
dev_groups := $(runtime_groups) --group test --group check
interop_groups := --group interop

# A venv knows its own path: one that was moved, or whose interpreter has gone, is made again.
ifneq ($(shell { test -x $(python) && $(python) -c '' && cat .make/here; } 2>/dev/null),$(CURDIR))
$(shell rm -rf .make/venv .make/runtime .make/dev .make/here)
endif

# PYTHON=… names an interpreter; without it the first suitable one is taken.
candidates := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
suitable := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

.PHONY: help
help: ## list these recipes
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: .make/dev ## make .venv with everything that developing needs

.make/venv:
	@for name in $(candidates); do \
	  if $$name -c '$(suitable)' >/dev/null 2>&1; then found=$$name; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "buyside needs Python 3.11 or newer with its venv module (on Debian: python3-venv)." \
	    "Tried: $(candidates). Name another: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	rm -rf .venv && mkdir -p .make && echo "$$found -m venv .venv" && $$found -m venv .venv
	@echo '$(CURDIR)' > .make/here && touch $@

.make/runtime: .make/venv requirements/runtime.txt pyproject.toml
	@echo "installing what buyside needs into .venv, once; this takes a minute or so …"
	$(install) --require-hashes -r requirements/runtime.txt
	$(install) --no-deps --no-build-isolation --editable .
	@touch $@

.make/dev: .make/venv requirements/dev.txt pyproject.toml
	$(install) --require-hashes -r requirements/dev.txt
	$(install) --no-deps --no-build-isolation --editable .
	@touch .make/runtime $@

.PHONY: check
check: .make/dev check-requirements check-docs ## lint, format, types, import contract, drift of generated files
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(python) -m mypy
	$(bin)/lint-imports

.PHONY: check-requirements
check-requirements: .make/dev
	@mkdir -p .make/requirements && cp requirements/*.txt .make/requirements/
	$(call compile,$(runtime_groups) --output-file .make/requirements/runtime.txt)
	$(call compile,$(dev_groups) --constraint requirements/runtime.txt --output-file .make/requirements/dev.txt)
	$(call compile,$(interop_groups) --output-file .make/requirements/interop.txt)
	@diff -ru requirements .make/requirements || { echo "requirements/ is stale: make requirements" >&2; exit 1; }

.PHONY: check-docs
check-docs: .make/dev
	$(python) docs/generate.py --check

.PHONY: test
test: .make/dev ## run every test that needs no browser and no independent seller
	$(python) -m pytest -m "not interop" $(PYTEST_ARGS)

# The machine's node if it is new enough and has its npm, else one from a wheel, in the venv.
node := node -e 'process.exit(process.versions.node.split(".")[0] < 20)' 2>/dev/null && npm --version >/dev/null 2>&1

.make/interop/installed: .make/dev requirements/interop.txt tests/interop/package.json tests/interop/package-lock.json
	{ $(node); } || $(install) --require-hashes -r requirements/interop.txt
	@mkdir -p $(@D) && cp tests/interop/package.json tests/interop/package-lock.json $(@D)/
	cd $(@D) && PATH="$(CURDIR)/$(bin):$$PATH" npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier \
	  --loglevel=error --cache .npm
	@touch $@

.PHONY: test-interop
test-interop: .make/interop/installed ## run the tests against sellers that this project did not write
	$(python) -m pytest -m interop tests/interop $(PYTEST_ARGS)

.PHONY: demo
demo: .make/runtime ## the main job from brief to live, against two sandbox sellers, on a throw-away store
	@$(python) -m demo

.PHONY: serve
serve: .make/runtime ## run the server with two sandbox sellers (PORT=8081: elsewhere than at 8080)
	@$(bin)/buyside serve --sandbox $(if $(PORT),--port $(PORT))

.PHONY: bench
bench: .make/dev ## run the benchmarks
	@$(python) -m bench

.PHONY: docs
docs: .make/dev ## write the generated reference pages again
	$(python) docs/generate.py

.PHONY: migration
migration: .make/dev ## write a schema revision from the tables: make migration m="add the stops table"
	$(python) -m tests.migration "$(m)"

.PHONY: requirements
requirements: .make/dev ## pin requirements/ again from pyproject.toml (UPGRADE=1: to the newest releases)
	$(call compile,$(upgrade) $(runtime_groups) --output-file requirements/runtime.txt)
	$(call compile,$(upgrade) $(dev_groups) --constraint requirements/runtime.txt --output-file requirements/dev.txt)
	$(call compile,$(upgrade) $(interop_groups) --output-file requirements/interop.txt)

.PHONY: clean
clean: ## remove everything that the recipes made here
	rm -rf .venv .make build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
