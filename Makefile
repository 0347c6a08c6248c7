# Two commands: `make lab` and `make test`. Each sets up what it needs first and skips what is up to date.

PYTHON ?= python3
BIN := .venv/bin
# `make lab TORCH=cpu` installs PyTorch without CUDA. The choice is remembered; `TORCH=` undoes it.
TORCH ?= $(shell cat .venv/.torch 2>/dev/null)
# More options for JupyterLab, or for `autograder serve`: make lab OPTIONS="--ip=0.0.0.0 --port=8890"
OPTIONS ?=
# Tests run in this many processes.
WORKERS ?= 2
# Kernels that start warm need Linux.
KERNEL := $(if $(filter Linux,$(shell uname)),warm-torch,python3)
# Google Colab's Python; where there is none, `make test-colab` says so and skips.
COLAB_PYTHON ?= $(shell for python in python3.13 $(HOME)/.pyenv/versions/3.13*/bin/python3.13; do \
    $$python -c '' 2>/dev/null && echo $$python && break; done)

# Byte code is cached, whatever the shell says: without it every start of Python takes twice as long.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help lab teach serve test test-colab build check demo benchmark lint requirements system-deps clean

help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

lab: .venv/.learner   ## set up, then open JupyterLab for a learner, in work/ (TORCH=cpu: a small download)
	$(BIN)/autograder lab -- $(OPTIONS)

teach: .venv/.learner   ## set up, then open JupyterLab on the whole course, for teachers and authors
	$(BIN)/autograder teach -- $(OPTIONS)

serve: .venv/.learner   ## set up, then open the page on which learners hand in (OPTIONS="--host 0.0.0.0")
	$(BIN)/autograder serve $(OPTIONS)

test: .venv/.developer   ## set up, then run every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/autograder build --check
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --ignore=tests/colab \
	    --nbval --nbval-sanitize-with tests/nbval.cfg --nbval-kernel-startup-timeout 180 --nbval-kernel-name $(KERNEL) tests solutions

test-colab: .venv/.developer   ## run the notebooks with Google Colab's versions, in a venv of their own
	@if [ -n "$(COLAB_PYTHON)" ]; then $(MAKE) --no-print-directory .venv-colab/.ready; \
	    else echo "Python 3.13 was not found: name it with COLAB_PYTHON=…; the tests on Colab's versions are skipped."; fi
	$(BIN)/python -m pytest -n $(WORKERS) tests/colab

build: .venv/.developer   ## build all notebooks whose source has changed
	$(BIN)/autograder build

demo: .venv/.developer   ## a class of 12, released, submitted, graded, with feedback and a report
	$(BIN)/autograder demo

benchmark: .venv/.developer   ## measure what grading costs, compared with nbgrader's own way (ten minutes; Linux)
	$(BIN)/python benchmark/benchmark.py

lint: .venv/.developer   ## format the code and show what ruff finds
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

requirements: .venv/uv   ## compile the pins from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	    --upgrade pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	    --upgrade --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

system-deps:     ## install the system programs that some parts need (Debian, Ubuntu; needs root)
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends chromium bubblewrap

clean:           ## remove the virtual environments
	rm -rf .venv .venv-colab

.venv-colab/.ready: tests/colab/requirements.txt .venv/uv
	$(BIN)/uv venv --quiet --clear --python $(COLAB_PYTHON) .venv-colab
	VIRTUAL_ENV=.venv-colab $(BIN)/uv pip install --quiet -r tests/colab/requirements.txt
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	    { echo "Python 3.11, 3.12 or 3.13 is needed; name one: make lab PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/uv: .venv/bin/python
	$(BIN)/python -m pip install --quiet uv
	@touch $@

# Rewritten only when another PyTorch is asked for, so that it is installed only then. The old one must go first: its version
# is the one that is pinned, too.
.venv/.torch: .venv/uv FORCE
	@if [ ! -e $@ ] || [ "$$(cat $@)" != "$(TORCH)" ]; then \
	    if [ -e .venv/.learner ] && [ "$$(cat $@ 2>/dev/null)" != "$(TORCH)" ]; then \
	        VIRTUAL_ENV=.venv $(BIN)/uv pip uninstall --quiet torch torchvision; fi; \
	    echo "$(TORCH)" > $@; fi

FORCE:

# uv knows PyTorch's own index by name; what is found there brings no CUDA, whose libraries are then left out of the pins.
# Byte code is compiled now, because the engine starts behind walls where none can be written: 5 s at each start.
LEFT_OUT = $(if $(TORCH),^(nvidia-|cuda-|triton),^$$)
INSTALL = VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --compile-bytecode $(if $(TORCH),--torch-backend=$(TORCH))

.venv/.learner: .venv/uv .venv/.torch requirements.txt pyproject.toml
	grep -vE '$(LEFT_OUT)' requirements.txt | $(INSTALL) -r -
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps -e .
	@touch $@

# The warm kernel is installed for the tests only; `autograder lab` finds it either way.
.venv/.developer: .venv/.learner requirements-dev.txt
	grep -vE '$(LEFT_OUT)' requirements-dev.txt | $(INSTALL) -r -
	$(BIN)/jupyter kernelspec install --sys-prefix --replace autograder/execute/kernels/warm-torch 2>/dev/null
	@touch $@
