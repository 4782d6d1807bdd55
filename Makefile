# The commands of the project. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV ?= .venv
BIN := $(VENV)/bin
# `make test` runs its parts one after the other, also under make -j.
.NOTPARALLEL:

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Cluster, images, operator, servers, two training runs and a prediction
	@python3 -m hack.demo

.PHONY: cluster-up cluster-down cluster-load
cluster-up: ## Start a real local cluster (kind where Docker answers, else a node of its own)
	@python3 -m hack.cluster up

cluster-down: ## Stop the cluster and all that belongs to it
	@python3 -m hack.cluster down

cluster-load: ## Put a local image onto the cluster: make cluster-load IMAGE=name:tag
	@python3 -m hack.cluster load $(or $(IMAGE),$(error say which: make cluster-load IMAGE=name:tag))

.PHONY: venv
venv: $(VENV)/.ready ## Make the development environment in .venv

$(VENV)/.ready: requirements/dev.txt pyproject.toml hack/venv
	@hack/venv $(VENV)

.PHONY: format
format: venv ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: test
test: lint test-unit test-integration test-e2e ## Everything

.PHONY: lint
lint: venv ## Formatting, lint, types, layers, lock files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@hack/verify

.PHONY: test-unit
test-unit: venv ## Unit tests on every supported Python that is installed
	@hack/each-python -m pytest tests/unit -q -n 2

# They keep both cores busy by themselves.
WHOLE := $(addprefix tests/integration/operator/,test_crash_points.py test_disturbances.py)

.PHONY: test-integration
test-integration: venv ## Real API server, PostgreSQL and MLflow server; no kubelet
	@python3 -m hack.cluster bin etcd kube-apiserver kube-controller-manager kubectl helm >/dev/null
	$(BIN)/python -m pytest tests/integration -q -n 2 $(WHOLE:%=--ignore=%)
	$(BIN)/python -m pytest $(WHOLE) -q

.PHONY: test-e2e
test-e2e: venv ## The whole path on a real node
	@hack/e2e $(BIN)/python

.PHONY: bench-pipeline bench-job bench-quality
bench-pipeline: .venv-bench/.ready ## Reading of episodes beside other ways (ARGS="--readings 10000000")
	@.venv-bench/bin/python -m bench.pipeline $(ARGS)

bench-job: venv ## Where the seconds of a small run go
	@$(BIN)/python -m bench.job $(ARGS)

bench-quality: venv ## ARI, NMI, F1 and silhouette by feature set and algorithm (ARGS="noise synthetic real")
	@$(BIN)/python -m bench.quality $(or $(ARGS),real noise)

.venv-bench/.ready: requirements/bench.txt pyproject.toml hack/venv | venv
	@hack/venv .venv-bench python3 requirements/bench.txt

.PHONY: lock
lock: venv ## Renew the lock files under requirements/
	@UV=$(BIN)/uv hack/lock

.PHONY: clean
clean: ## Remove environments and caches of this checkout
	rm -rf .venv .venv-3.* .venv-bench .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
