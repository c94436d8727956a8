# The commands of the project. `make help` lists them.

CARGO   ?= cargo
# `make run PROFILE=release` uses the optimized build.
PROFILE ?= dev
export CARGO_TERM_COLOR ?= auto

.DEFAULT_GOAL := help
.PHONY: help run test test-under-load api-test client client-test sdk-test dashboard-test screenshots fuzz outages lint fmt doc deny bench instructions loadtest loadlag compare overload box pressure million up observability down readiness compose-test soak clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Build and start the service with SQLite and a demonstration catalog; print a curl command
	$(CARGO) run --locked --profile $(PROFILE) --bin instrument-registry -- serve

test: ## Start private PostgreSQL and Redis servers, run all tests, stop the servers
	tests/with-services.sh $(CARGO) test --locked --workspace

test-under-load: ## Run `make test` while a busy loop for each processor runs too
	tests/under-load.sh $(MAKE) --no-print-directory test

# Python packages are installed in target/api-test, once. API_SEED=7 generates other requests.
API_CASES ?= 10000
api-test: ## Test the OpenAPI document with all examples, the Python client and 10,000 generated requests
	PROFILE=$(PROFILE) CARGO="$(CARGO)" API_CASES=$(API_CASES) tests/api-test.sh

client: ## Generate the code of the Python client from the OpenAPI document
	PROFILE=$(PROFILE) CARGO="$(CARGO)" API_CLIENT=1 tests/api-test.sh

client-test: ## Test the Python client, as `make api-test` does
	PROFILE=$(PROFILE) CARGO="$(CARGO)" API_CLIENT=test tests/api-test.sh

# The SDKs are installed in target/sdk-test, once. Takes two to four minutes.
sdk-test: ## Subscribe plans of full capacity with the official SDKs of four brokers, against stand-ins for their feeds
	PROFILE=$(PROFILE) CARGO="$(CARGO)" tests/sdk-test.sh

# Node packages are installed in target/dashboard-test, once. Chromium is installed with apt-get if it is missing.
dashboard-test: ## Test the dashboard in headless Chromium: live figures, outages, keyboard, narrow screens, accessibility
	PROFILE=$(PROFILE) CARGO="$(CARGO)" tests/dashboard-test.sh

screenshots: ## Take the pictures of the documents in docs/images
	PROFILE=$(PROFILE) CARGO="$(CARGO)" tests/dashboard-test.sh screenshots

# Takes about five minutes on two cores. `make test` runs 500 cases of each property of the fit.
FUZZ_CASES ?= 50000
FIT_CASES  ?= 20000
fuzz: ## Fuzz the broker file parsers with 50,000 broken files of each kind; check 20,000 fits against all assignments
	PROPTEST_CASES=$(FUZZ_CASES) $(CARGO) test --locked --release -p registry-planning --lib -- dump::tests::properties dump::tests::zips::a_broken_archive
	PROPTEST_CASES=$(FIT_CASES) $(CARGO) test --locked --release -p registry-planning --lib -- fit::tests placement::tests

outages: ## Run five minutes of traffic and kill PostgreSQL, Redis and the config service twice each
	REGISTRY_TEST_OUTAGE_SECONDS=300 tests/with-services.sh $(CARGO) test --locked --test integration -- \
		--exact --nocapture dependencies::together::killing_every_dependency_loses_no_acknowledged_plan

lint: fmt doc
lint: ## Check format, lints and documentation; check licenses if cargo-deny is installed
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then $(MAKE) --no-print-directory deny; \
	else echo "skipped: license check, because cargo-deny is not installed (cargo install cargo-deny)"; fi

fmt: ## Check the format of Rust code
	$(CARGO) fmt --all --check

doc: ## Build the Rust documentation and fail on warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

deny: ## Check licenses, sources and banned crates of dependencies
	cargo-deny --locked check licenses bans sources

bench: ## Run benchmarks: planning and a naive version, real broker files, memory of an ingest, hot operations
	$(CARGO) bench --locked -p registry-planning
	$(CARGO) bench --locked -p registry-actors --bench loading
	$(CARGO) bench --locked -p registry-benches

instructions: ## Count the instructions of hot operations with valgrind; compare them with the recorded counts
	benches/instructions.sh

loadtest: ## Load a release build on private servers for short times; check all responses, read back all plans
	loadtest/run.sh

loadlag: ## Compare the latency of cached plans during an ingest with the latency without one
	loadtest/during-a-load.sh

# COMPARE_ARGS='--rounds 3 --only create32,repeat' runs a part of it. COMPARE_REDIS=1 gives the service a shared cache (Redis);
# the yardstick has no equivalent.
COMPARE_ARGS ?=
compare: ## Compare the service with a plain axum handler and one INSERT per plan, for a quarter of an hour: rates, p99, targets
	tools/compare/run.sh $(COMPARE_ARGS)

overload: ## Send three times as many requests as the service can process on half a CPU (root, for control groups)
	tools/compare/run.sh --only overload $(COMPARE_ARGS)

box: ## Measure memory and speed with three quarters of a CPU and 384 MB (root, for control groups)
	tools/compare/run.sh --only box $(COMPARE_ARGS)

# Takes up to ten minutes on two cores, and up to 3 GB of memory for the callers.
pressure: ## Check memory and completion in 384 MB: heavy lists, large profiles, callers who hang up (root, for control groups)
	tools/compare/run.sh --only pressure $(COMPARE_ARGS)

# A table of 2 GB does not fit into PostgreSQL's default buffer cache of 128 MB: the test would measure the system's page cache.
million: export REGISTRY_TEST_POSTGRES_OPTIONS = -c shared_buffers=2GB
million: ## Compare new plans, reads and lists with up to four million plans in the table and with few
	tools/compare/run.sh --only million $(COMPARE_ARGS)

# The stack has its own passwords and API key, created once in deploy/.run.
up: ## Start PostgreSQL, Redis, a stand-in for the config service and the service in containers
	deploy/base-images.sh
	deploy/compose.sh up --detach --build

observability: ## Start Prometheus and Grafana in addition to `make up`
	deploy/compose.sh --profile observability up --detach

down: ## Stop all containers; their data stays
	deploy/compose.sh --profile observability down

readiness: ## Check the stack of `make up`; stop and pause its dependencies for some seconds
	python3 tests/stack/readiness.py

compose-test: ## Build the image; start, load, kill and remove the stack on a real Docker engine (root)
	deploy/compose-test.sh

soak: ## Run `make compose-test` with ten minutes of each load, half an hour in total (root)
	deploy/compose-test.sh 10

clean: ## Remove all build output
	$(CARGO) clean
