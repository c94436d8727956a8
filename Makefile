# Every command of the project. `make help` lists them.

CARGO   ?= cargo
# `make run PROFILE=release` for the optimised build.
PROFILE ?= dev
export CARGO_TERM_COLOR ?= auto

.DEFAULT_GOAL := help
.PHONY: help run test api-test fuzz outages lint fmt doc deny bench instructions loadtest loadlag compare overload box million up observability down readiness compose-test soak clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Build and start the service on its embedded default; prints a curl line to paste
	$(CARGO) run --locked --profile $(PROFILE) --bin instrument-registry -- serve

test: ## Run every test, against private PostgreSQL and Redis servers that it starts and stops
	tests/with-services.sh $(CARGO) test --locked --workspace

# Python's packages are installed below target, once. API_SEED=7 generates other requests.
API_CASES ?= 10000
api-test: ## Ten thousand generated requests, every example and a generated client, against the OpenAPI document
	PROFILE=$(PROFILE) CARGO="$(CARGO)" API_CASES=$(API_CASES) tests/api-test.sh

# Some five minutes on two cores.
FUZZ_CASES ?= 50000
fuzz: ## Minutes of broken files to every reader: fifty thousand of each kind and form, packed and not
	PROPTEST_CASES=$(FUZZ_CASES) $(CARGO) test --locked --release -p registry-planning --lib -- dump::tests::properties

outages: ## Five minutes of traffic while PostgreSQL, Redis and the config service are each killed twice
	REGISTRY_TEST_OUTAGE_SECONDS=300 tests/with-services.sh $(CARGO) test --locked --test integration -- \
		--exact --nocapture dependencies::together::while_every_dependency_is_killed_twice_no_acknowledged_plan_is_lost

lint: fmt doc ## Check format, lints and documentation; licences too where cargo-deny is installed
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then $(MAKE) --no-print-directory deny; \
	else echo "skipped: cargo-deny is not installed (cargo install cargo-deny), licences were not checked"; fi

fmt: ## Check the format
	$(CARGO) fmt --all --check

doc: ## Check the documentation
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

deny: ## Check licences, sources and banned crates
	cargo-deny --locked check licenses bans sources

bench: ## Planning beside a straightforward version, reading of real dumps, memory of a load, hot operations
	$(CARGO) bench --locked -p registry-planning
	$(CARGO) bench --locked -p registry-actors --bench loading
	$(CARGO) bench --locked -p registry-benches

instructions: ## Count the instructions of hot operations under valgrind, beside those that were recorded
	benches/instructions.sh

loadtest: ## Short loads against a release build on private servers; every answer checked, every plan read back
	loadtest/run.sh

loadlag: ## How long cached plans take while a file is loaded, beside a quiet time
	loadtest/during-a-load.sh

# COMPARE_ARGS='--rounds 3 --only create32,repeat' measures less of it. COMPARE_REDIS=1 gives the service the Redis that
# replicas share, which the other side has nothing like.
COMPARE_ARGS ?=
compare: ## A quarter of an hour beside a plain axum handler with one INSERT: rates, p99, ratios and their targets
	loadtest/compare.sh $(COMPARE_ARGS)

overload: ## Three times as many requests as half a processor can answer (root, for control groups)
	loadtest/compare.sh --only overload $(COMPARE_ARGS)

box: ## Memory and speed in three quarters of a processor and 384 MB (root, for control groups)
	loadtest/compare.sh --only box $(COMPARE_ARGS)

# With the server's default of 128 MB for its own cache, a table of 2 GB would measure the system's.
million: export REGISTRY_TEST_POSTGRES_OPTIONS = -c shared_buffers=2GB
million: ## New plans, reads and lists with a million plans in the table beside few
	loadtest/compare.sh --only million $(COMPARE_ARGS)

# The stack has its own passwords and key, made once in deploy/.run.
up: ## Start PostgreSQL, Redis, a config service's stand-in and the service in containers
	deploy/base-images.sh
	deploy/compose.sh up --detach --build

observability: ## Start Prometheus and Grafana beside them
	deploy/compose.sh --profile observability up --detach

down: ## Stop them; their data stays
	deploy/compose.sh --profile observability down

readiness: ## Thirteen checks against what `make up` has started
	deploy/readiness.sh

compose-test: ## Build the image, start it all with a real engine, load it, kill it, take it down (root)
	deploy/compose-test.sh

soak: ## The same for half an hour: ten minutes of each load
	deploy/compose-test.sh 10

clean: ## Remove what was built
	$(CARGO) clean
