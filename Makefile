# What there is to do, in one word each. `make` alone lists it.
#
# Nothing but python3 (3.11 or newer), make and git has to be there: the first target that needs
# it makes `.venv` and installs the project into it, pinned by constraints.txt.

PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python

# Where `make demo` listens.
port ?= 8080
# What else `tapewire demo` is told.
flags ?=
# How pytest is spread over the cores; `make test jobs=0` runs it in one process.
jobs ?= 2
# What `make prove` runs: only=03 FULL=1 seed=7 STRICT=1 SAVE=1
only ?=
seed ?=
FULL ?=
STRICT ?=
SAVE ?=
PROVE_FLAGS = $(if $(only),--only $(only)) $(if $(seed),--seed $(seed)) $(if $(FULL),--full) \
	$(if $(STRICT),--strict) $(if $(SAVE),--save)

.DEFAULT_GOAL := help
.PHONY: help page demo test test-slow coverage check format bench prove prove-proofs services services-stop clean
.SUFFIXES:

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

# The stamp is younger than what decides the environment's content, so an unchanged one is kept.
.venv/installed: pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'python3 must be 3.11 or newer; name another with: make PYTHON=python3.12 …' >&2; exit 1; }
	@test -x $(RUN) || "$(PYTHON)" -m venv .venv
	@echo 'installing the project into .venv …' >&2
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: .venv/installed  ## a simulated market, served on this machine; port=8080, flags='--symbols 40 --no-browser'
	@$(BIN)/tapewire demo --port $(port) $(flags)

page: .venv/installed  ## build web/ into tapewire/static (needs Node and a package registry)
	@$(RUN) -m scripts.web build

check: .venv/installed  ## formatting, lint, types, import rule, structure, the built page
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(RUN) -m mypy
	@$(BIN)/lint-imports --no-cache
	@$(RUN) -m pytest -q --no-header tests/test_*.py
	@$(RUN) -m scripts.web check

format: .venv/installed  ## put the files into the form that check asks for
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test: check  ## check, and every test that is not slow
	@$(RUN) -m pytest -m 'not slow' -n $(jobs)

# Status 5 says that this slice holds no test, which is no failure.
test-slow: .venv/installed  ## the slow tests; slice=2/7 runs the second of seven parts
	@$(RUN) -m pytest -m slow -n $(jobs) --timeout=900 $(if $(slice),--slice $(slice)) || [ $$? -eq 5 ]

coverage: .venv/installed  ## what the tests that are not slow cover: all 95 % of branches, each core 100 %
	@$(RUN) -m coverage erase
	@$(RUN) -m coverage run -m pytest -q -m 'not slow' -n $(jobs)
	@$(RUN) -m coverage combine --quiet
	@$(RUN) -m coverage json --quiet --fail-under=0 -o - | $(RUN) -m scripts.covered; \
		cores=$$?; $(RUN) -m coverage report && exit $$cores

bench: .venv/installed  ## run benchmarks/*.py and print their JSON lines
	@$(RUN) -m scripts.bench $(only)

prove: .venv/installed  ## run the proofs: only=03 FULL=1 seed=7 STRICT=1 SAVE=1
	@$(RUN) -m proofs.run $(PROVE_FLAGS)

prove-proofs: .venv/installed  ## plant each proof's defects and demand that it falls short
	@$(RUN) -m proofs.run --sabotages $(PROVE_FLAGS)

services: .venv/installed  ## start the real servers that tests can use; services-stop ends them
	@$(RUN) -m scripts.services start

services-stop: .venv/installed
	@$(RUN) -m scripts.services stop

clean:  ## remove what was built or recorded here, the environment too
	@if [ -x $(RUN) ] && [ -d var/services ]; then $(RUN) -m scripts.services stop; fi
	rm -rf .venv var dist build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
