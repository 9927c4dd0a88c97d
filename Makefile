# make quick       before every commit: lint, import contracts, the quick tests; under a minute
# make check       count the catalogue, five models by other counters too, hold every suite, write reports/
# make test        lint, types, import contracts, tests, and the built wheel
# make measured    measure what reports/measured lacks: on a quiet machine, with its files removed before
# make bench       how fast counting is, beside the other counters
# make wheel-test  build the wheel and use it from outside the checkout
# make versions    the tests under the lowest and the newest versions of what vtbench depends on
# make slow-tests  run all tests, and write anew which files `make quick` leaves out

PYTHON ?= $(or $(shell command -v python3.11),python3)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

PYTEST := $(BIN)/pytest -n 2 --dist worksteal --ignore tests/benchmarks

MEASURED := reports/measured
SWEEP := $(BIN)/vtbench sweep

# Tests and reports start hundreds of processes, which need not compile the same files each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: quick check measured test lint types contracts kept bench wheel-test versions slow-tests clean

quick: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(PYTEST) -q --pace quick

check: $(STAMP)
	mkdir -p reports
	$(BIN)/vtbench macs '*' --by op --jobs 2 --output reports/catalogue.md
	$(BIN)/vtbench macs resnet50 swin_t deit_s vt_r34 sparseformer_t --counters fvcore,thop,torch \
		--jobs 2 --output reports/counters.md
	cat reports/counters.md
	rm -f reports/records.jsonl
	$(BIN)/vtbench check --jobs 2 --save reports/records.jsonl
	$(BIN)/vtbench report reports
	$(BIN)/vtbench cost sparseformer_t swin_t deit_s vit_b perceiver --at H=192:512:32 \
		--output reports/resolution.md --plot reports/resolution.svg

# Each line goes on with its file if it was interrupted. About half an hour on two quiet cores.
measured: $(STAMP)
	mkdir -p $(MEASURED)
	$(SWEEP) sparseformer_t --tokens 9,16,25,36,49,64 --metric macs,throughput,memory \
		--save $(MEASURED)/sparseformer_tokens.jsonl
	$(SWEEP) sparseformer_t swin_t --resolution 192:512:32 --metric macs,memory \
		--save $(MEASURED)/sparseformer_resolution.jsonl
	$(SWEEP) sparseformer_t swin_t deit_s -o sparseformer_t:path=plain,fast --metric throughput \
		--relative-to swin_t --save $(MEASURED)/sparseformer_speed.jsonl
	$(SWEEP) resnet18 resnet34 vt_r18 vt_r34 -o 'vt_*:tokens=16' --metric throughput \
		--save $(MEASURED)/visual_transformers_speed.jsonl
	$(SWEEP) sparse_feature_sampling --tokens 49:196:49 --batch-size 8 --metric throughput \
		--save $(MEASURED)/sparse_sampling_tokens.jsonl
	$(SWEEP) sparse_feature_sampling --resolution 28,56,112 --batch-size 8 --metric throughput \
		--save $(MEASURED)/sparse_sampling_map.jsonl
	$(BIN)/vtbench check sparseformer --only '*.t2.*' --measure \
		--save $(MEASURED)/sparseformer_claims.jsonl
	$(BIN)/vtbench report reports

# What reads the tree runs two at a time, since each of these keeps one core busy.
test: $(STAMP)
	$(MAKE) --jobs 2 types kept contracts lint
	$(PYTEST) --pace hold
	$(MAKE) wheel-test

lint: $(STAMP)
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

kept: $(STAMP)
	$(BIN)/vtbench report reports --check

bench: $(STAMP)
	$(BIN)/pytest tests/benchmarks --benchmark-only

wheel-test: $(STAMP)
	sh .ci/wheel_test.sh $(BIN)/python

versions: $(STAMP)
	$(BIN)/python scripts/versions.py

slow-tests: $(STAMP)
	$(PYTEST) --pace write

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt \
		--editable '.[models,counters,ray,dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info
