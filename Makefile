# Two commands do everything on a fresh machine: `make demo` and `make test`. Both install what they need into .venv.
# Needed beforehand: Python 3.11 or newer (with venv), make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := reports/demo
# The demo runs in two minutes: few models in two tracks.
SHOWN := --model 'bicubic/*' --model 'rt4ksr/s-x?' --model 'example_team/*'
# A folder of published checkpoints serves instead of a download, where there is one beside the project.
export RTSR_BENCH_MIRROR ?= $(abspath $(wildcard ../shared/weights))

.PHONY: help install demo test test-lowest lint types test-gpu benchmarks timing official leaderboard gpu-day clean

help:
	@echo "make demo         install, evaluate light references and the example on the built-in set (quick), write a report"
	@echo "make test         install, lint, type-check, test"
	@echo "make test-lowest  test with the oldest versions of what rtsr-bench depends on"
	@echo "make test-gpu     the tests that need a CUDA device"
	@echo "make benchmarks   how fast fidelity is beside reading, its definition and the official procedure, side by side"
	@echo "make timing       how right the clock is, how often cheats are caught: an hour on a machine with nothing else to do"
	@echo "make leaderboard  write the site of the records in reports/records to reports/site"
	@echo "make official     measure what the campaigns in reports/ have no record of yet: hours on a machine with nothing else to do"
	@echo "make gpu-day      tests, training, official runs and a report on a card in 12 minutes (DEVICE=cuda MINUTES=12 RECIPE= DATA=)"
	@echo "make clean        remove what make made, .venv included"

PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt
# All bytecode at once and on all cores, where pip would use one. A model's process can write none, so it must be there. Some
# packages hold templates that are no valid Python, hence `-`; the packages' own tests are not needed.
COMPILE = $(BIN)/python -m compileall -qq -j 0 -x '/tests?/|/torch/testing/_internal/' $(VENV)/lib rtsr_bench

install: $(VENV)/.installed

# The demo needs no tools for development; what `make test` installed serves as well.
$(VENV)/.demo: $(if $(wildcard $(VENV)/.installed),$(VENV)/.installed,$(VENV)/.python)
	$(PIP) --editable '.[sandbox]'
	-$(COMPILE)
	touch $@

$(VENV)/.installed: $(VENV)/.python
	$(PIP) --editable '.[dev,onnx,openvino,ncnn,sandbox]'
	$(PIP) --no-deps spandrel einops
	-$(COMPILE)
	touch $@

$(VENV)/.python: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": name another with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	touch $@

demo: $(VENV)/.demo
	$(BIN)/rtsr-bench run reference_models submissions $(SHOWN) --track builtin-x2 --track builtin-x3 --quick --records $(DEMO)/records
	$(BIN)/rtsr-bench run reference_models --model 'rt4ksr/s-x2' --track builtin-x2 --execution channels-last --quick --records $(DEMO)/records
	$(BIN)/rtsr-bench report --records $(DEMO)/records --out $(DEMO)
	@echo "The report lies at $(abspath $(DEMO))/index.html"

test: install lint types
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not gpu"

# The oldest versions that pyproject.toml admits, in an environment of their own; torch 2.6 may bring gigabytes of CUDA libraries.
LOWEST := .venv-lowest
test-lowest:
	$(PYTHON) -m venv $(LOWEST)
	sed -n '/^dependencies/,/^]/s/^ *"\([a-z0-9-]*\)>=\([0-9.]*\).*/\1==\2.*/p; s/^onnx = \["onnx>=\([0-9.]*\)", "onnxruntime>=\([0-9.]*\)"\]/onnx==\1.*\nonnxruntime==\2.*/p' pyproject.toml > $(LOWEST)/lowest.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(LOWEST)/lowest.txt --editable '.[dev,onnx,sandbox]'
	$(LOWEST)/bin/python -m pytest -n auto --dist worksteal -m "not gpu" -W ignore::DeprecationWarning -W ignore::PendingDeprecationWarning

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

test-gpu: install
	$(BIN)/python -c 'import sys, torch; sys.exit(0 if torch.cuda.is_available() else "no CUDA device, or a torch without CUDA: install a CUDA build of torch into $(VENV) first")'
	$(BIN)/python -m pytest -m gpu

benchmarks: install
	$(PIP) --editable '.[benchmarks]'
	$(BIN)/python benchmarks/fidelity.py
	$(BIN)/python benchmarks/evaluation.py

timing: install
	$(BIN)/python benchmarks/timing.py
	$(BIN)/python benchmarks/cheats.py

# Measures what the campaigns of this repository have no record of yet, and waits for a quiet machine; exit code 1 says that a model failed,
# which is a record, too. Run it again to resume.
QUIET_WAIT ?= 86400
official: install
	for campaign in official official-open; do \
	  RTSR_BENCH_QUIET_WAIT=$(QUIET_WAIT) $(BIN)/rtsr-bench run --campaign reports/$$campaign.toml || test $$? -eq 1 || exit 3; \
	done
	$(BIN)/rtsr-bench records pack reports/records

leaderboard: $(VENV)/.demo
	mkdir -p reports/records
	$(BIN)/rtsr-bench report --out reports/site
	@test -n "$$(find reports/records -maxdepth 1 -name '*.json*')" || \
	  echo "reports/records has no records yet, so the site has no rows: make official measures them (docs/organisers.md)"

# What a card is tried with while it is lent: tests, training where RECIPE names one, an official run, a report; whatever is finished is kept.
DEVICE ?= cuda
MINUTES ?= 12
gpu-day: install
	$(BIN)/python benchmarks/gpu_day.py --device $(DEVICE) --minutes $(MINUTES) $(if $(RECIPE),--recipe $(RECIPE) --data $(DATA))

clean:
	rm -rf $(VENV) $(LOWEST) $(DEMO) reports/site .mypy_cache .ruff_cache .pytest_cache .hypothesis
