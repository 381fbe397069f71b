# gamerec: every command a user or CI needs. `make` alone prints them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-test services pipeline schedule doctor serve app lab reports test test-airflow test-deploy test-image lint types format lock sbom audit version images smoke promote deploy retrain benchmark faults clean

PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9

# `make pipeline INTERACTIONS=plays.csv CATALOGUE=games.csv ARGS="-p train.EPOCHS=20"`
INTERACTIONS ?=
CATALOGUE ?=
ARGS ?=
RUN_OPTIONS = $(if $(INTERACTIONS),--interactions "$(INTERACTIONS)") $(if $(CATALOGUE),--catalogue "$(CATALOGUE)") $(ARGS)

help:  ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/ready  ## create .venv from the lock file
setup-test: .venv/ready-test

.venv/bin/uv:
	$(PYTHON) -c 'import sys; sys.exit("gamerec needs Python 3.11 or later; make PYTHON=python3.x" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)

# uv takes a sixth of the time; pip is there for the networks that only pip is set up for.
define install
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) \
	  || $(BIN)/python -m pip install --quiet --require-hashes -r $(1)
	$(BIN)/python -m pip install --quiet --no-deps --editable .
endef

.venv/ready: requirements.lock pyproject.toml | .venv/bin/uv
	$(call install,requirements.lock)
	$(BIN)/gamerec warm-up
	@touch $@

.venv/ready-test: requirements-test.lock .venv/ready
	$(call install,requirements-test.lock)
	@touch $@

pipeline: setup  ## crawl, explore, clean, simulate, train, evaluate, batch-score
	@$(BIN)/gamerec run $(RUN_OPTIONS)

schedule: setup  ## run the pipeline at SCHEDULE_CRON, until Ctrl-C
	@$(BIN)/gamerec schedule $(ARGS)

doctor: setup  ## check what works here, and say what to do about the rest
	@$(BIN)/gamerec doctor

serve: setup  ## answer over HTTP on 127.0.0.1:8000, documentation at /docs
	@$(BIN)/gamerec serve $(ARGS)

app: setup  ## the page with recommendations, on http://127.0.0.1:8866
	@$(BIN)/gamerec app $(ARGS)

lab: setup  ## open the notebooks in JupyterLab
	$(BIN)/python -m ipykernel install --sys-prefix --name python3 --display-name "Python 3"
	$(BIN)/jupyter lab --notebook-dir=notebooks --ip=127.0.0.1

services:  # MariaDB and Chromium for the tests that need them, where we may install them
	@scripts/install_services.sh

test: setup-test services lint types  ## set up and run every test
	$(BIN)/pytest -n 2 --dist loadfile --cov=gamerec --cov-report=term:skip-covered --cov-report=xml $(ARGS)

.venv-airflow/ready: scripts/airflow/requirements.txt | .venv/bin/uv
	$(PYTHON) -m venv .venv-airflow
	$(BIN)/uv pip install --quiet --python .venv-airflow/bin/python --require-hashes -r $< \
	  || .venv-airflow/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

test-airflow: setup .venv-airflow/ready  ## run the DAG in a real Airflow 3, in an environment of its own
	$(BIN)/python scripts/test_airflow.py

test-deploy: setup-test  ## check images, manifests and workflows as files, with every linter
	$(BIN)/pytest -n 2 --dist loadfile tests/deploy $(ARGS)

test-image:  ## build the images with docker or buildah, and run what they hold
	$(PYTHON) scripts/test_image.py $(ARGS)

lint: setup-test  ## ruff on code and notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-test  ## mypy
	$(BIN)/mypy

format: setup-test  ## repair what ruff can, strip notebook outputs
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/nbstripout --extra-keys "metadata.papermill cell.metadata.papermill" notebooks/*.ipynb

lock: .venv/bin/uv  ## pin the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile --quiet --upgrade --universal --no-header --no-emit-index-url --python-version 3.11 \
	  --generate-hashes pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --no-header --no-emit-index-url --python-version 3.11 \
	  --generate-hashes --extra test -c requirements.lock pyproject.toml -o requirements-test.lock

sbom: .venv/bin/uv  ## write build/sbom.json: what the lock file brings, as CycloneDX
	@mkdir -p build
	$(BIN)/uv tool run --from cyclonedx-bom==7.5.0 cyclonedx-py requirements requirements.lock \
	  --pyproject pyproject.toml --output-reproducible --of JSON -o build/sbom.json

audit: .venv/bin/uv  ## look the locked packages up among known vulnerabilities (needs a network)
	$(BIN)/uv tool run pip-audit==2.10.1 --require-hashes --disable-pip -r requirements.lock

version:  # `make version TAG=v1.2.3` gives the package the version of a tag
	@$(PYTHON) scripts/release/set_version.py "$(TAG)"

# IMAGES=ghcr.io/you TAG=1.2.3
images:  # build and push
	@scripts/release/publish_images.sh
smoke:  # try them on the sample
	@scripts/release/smoke_images.sh
promote:  # point the tag `production` to them
	@scripts/release/promote_images.sh
deploy:  # put them on the cluster that kubectl knows, and back where they do not come up
	@scripts/kubernetes/deploy.sh $(ARGS)
retrain: setup  # have the Airflow at AIRFLOW_URL run the pipeline, and wait for its end
	@$(BIN)/python scripts/release/trigger_airflow.py $(ARGS)

faults: setup-test services  ## break runs in every known way, and count what comes of it; an hour at most
	timeout 3600 $(BIN)/python scripts/fault_suite.py $(ARGS)

clean:  ## remove caches and the environment; runs, models and reports stay
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .coverage coverage.xml
	find gamerec scripts tests -name __pycache__ -prune -exec rm -rf {} +
