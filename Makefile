# make run    set up everything in $(VENV), then run the default study
# make test   set up everything, then run the tests
# make test-slow    the proofs that take minutes
# make test-long    those of them that .ci/run leaves out: other libraries' models, small grids (ten minutes)
# make test-slurm   the tests that need a SLURM cluster, on the one that sbatch reaches
# make test-gpu     on a machine with a GPU: every family on it, its speed, memory and energy, in one table
# make mutants      plausible mistakes in the package, and which of them no test notices (an hour or two)
# make lint   ruff, snakefmt, snakemake --lint
# VENV=path   share one virtual environment between clones (it takes 6 GB and two to three minutes); its
#             `alphascale` is that of the clone in which make ran last

PYTHON ?= python3
VENV ?= .venv
BIN := $(abspath $(VENV))/bin
PACKAGES := $(VENV)/.packages-$(shell cksum requirements.txt | cut -d' ' -f1)
# All packages, and the `alphascale` command of this folder.
READY := $(VENV)/.command-$(shell { pwd; cat pyproject.toml requirements.txt; } | cksum | cut -d' ' -f1)
# Snakemake finds its helpers, and jobs their interpreter, in the environment, activated or not.
export PATH := $(BIN):$(PATH)

.PHONY: run test test-slow test-long test-slurm test-gpu mutants lint format config envs setup

run: $(READY)
	snakemake --cores all

test: $(READY)
	python -m pytest

test-slow: $(READY)
	python -m pytest -m "slow and not long"

test-long: $(READY)
	python -m pytest -m long

test-slurm: $(READY)
	python -m pytest tests/workflow/test_slurm.py -rs --durations=0

# The table is made whatever the tests say. Its options: TABLE="--only throughput graphs".
test-gpu: $(READY)
	python -m pytest -m gpu -n 0 -rs tests/gpu; tested=$$?; \
	  python tests/gpu/table.py --out gpu.md $(TABLE) && exit $$tested

MUTANTS ?= --count 150 --seed 0
mutants: $(READY)
	python tests/mutants/mutants.py $(MUTANTS)

lint: $(READY)
	ruff check .
	ruff format --check .
	snakefmt --check --diff Snakefile rules
	python .ci/lint-rules

format: $(READY)
	ruff check --fix .
	ruff format .
	snakefmt Snakefile rules

# Schema and reference of the configuration, from the one place that defines it.
config: $(READY)
	python workflow/scripts/document_config.py

# Conda environments of the rules, from requirements.txt.
envs: $(READY)
	python workflow/scripts/document_envs.py

setup: $(READY)

$(PACKAGES): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "alphascale needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
	    "Name another: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	@echo "installing the requirements into $(VENV): two to three minutes, 6 GB"
	$(VENV)/bin/python -m pip install --quiet -r requirements.txt
	@touch $@

$(READY): $(PACKAGES) pyproject.toml
	$(VENV)/bin/python -m pip install --quiet --no-deps -e .
	@rm -f $(VENV)/.command-*
	@touch $@
