# Every target makes its environment when it is not there; nothing else has to be run first.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench clean

VENV := .venv
BIN := $(VENV)/bin
# PyBullet has wheels for Python 3.10 and 3.11 only. A name can exist and still not run (pyenv shims), so each is tried.
SUPPORTED := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11))
PYTHON ?= $(shell for p in python3.11 python3 python3.10 python; do "$$p" -c '$(SUPPORTED)' 2>/dev/null && echo "$$p" && break; done)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install --no-compile --constraint constraints.txt
# pip compiles on one core; this uses all. Some packages ship templates that are not Python, so its verdict is ignored.
COMPILE := @$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
# One BLAS thread a process: the toolkit is parallel over processes.
export OMP_NUM_THREADS ?= 1

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.dev  ## the environment with everything for development

# What the demo fine-tunes: the published policy, a checkpoint, or `nothing`: then it trains a new policy for four families.
FROM := base
demo: START := $(shell date +%s)
demo: $(VENV)/.core  ## a policy learns a family that it has not seen, evaluated before and after; FROM=nothing trains a new one
	$(BIN)/vla demo $(if $(filter nothing,$(FROM)),--from-nothing,--base $(FROM)) --started $(START)

test: $(VENV)/.dev  ## all tests, as many files at once as there are cores
	$(BIN)/python -m pytest -n auto --dist loadfile

check: $(VENV)/.dev  ## style, docstrings and strict types, over sources and tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/.core  ## frames per second of the renderers
	$(BIN)/vla bench render

clean:  ## forget the environment and the caches of the tools (not runs/)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "vla-bench needs Python 3.11 or 3.10 (PyBullet has no wheels for others) and found none; try: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c '$(SUPPORTED)' || { echo "vla-bench needs Python 3.11 or 3.10, but $(PYTHON) is $$($(PYTHON) --version)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing vla-bench into $(VENV): one to four minutes, most of it the download of torch"
	$(PIP) "$$(grep '^torch==' constraints.txt)"
	$(PIP) --editable '.[train]'
	$(COMPILE)
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@echo "installing the development tools into $(VENV)"
	$(PIP) --editable '.[dev]'
	$(COMPILE)
	@touch $@
