# SPDX-License-Identifier: Apache-2.0
#
# make demo     a sign-in for the browser: builds, starts one process, prints the address
# make test     every test: units, layering, then the black-box suite against the release binary
# make build    the release binary, static Swift, stripped: .build/sidegate
# make bench    CPU per request compared with nginx and HAProxy, then bench-state and bench-rules;
#               `make bench-count` for the figures that do not depend on the machine,
#               `make bench BENCH_ARGS="--only TLS"` for TLS and HTTP/2, `make bench-floods` for attacks,
#               `make bench-rules` for 10,000 access rules, `make bench-state` for sessions in Redis and assertions,
#               `make bench-steady` for reloads, restarts and a soak, `make bench-growth` for many users, sessions, rules,
#               connections and replicas
# make fuzz     one fuzz target: `make fuzz TARGET=http1-requests SECONDS=60`; `make fuzz-all SECONDS=10` runs each for so long,
#               `make nightly` for ten minutes each
# make charts   tests of the Helm charts, Kustomize components, alerts, dashboard, units and images
# make image    the container image, without Docker: sidegate-image.tar in artifacts/, with a list of what is in it; as root
#               or with sudo
# make deb      a Debian package of the release build, in artifacts/; `make man` only the manual pages
# make format   swift format, in place; `make format-check` only checks
# make deps     installs missing system packages for the build by apt (`deps-test`, `deps-bench` for the others); servers
#               among them are not started

# The system's own Python with the system's packages: a virtual environment or pyenv does not have them.
PYTHON ?= /usr/bin/python3
SWIFT ?= swift
LISTEN ?= 127.0.0.1:8080
BINARY ?= $(CURDIR)/.build/sidegate
UNIT_ARGS ?=
PYTEST_ARGS ?=
# Two processes: the tests mostly wait.
BLACK_BOX = $(PYTHON) -m pytest --numprocesses 2 --dist loadfile $(PYTEST_ARGS) Tests/IntegrationTests
BENCH_ARGS ?=
TARGET ?= http1-requests
SECONDS ?= 10
# Swift's libraries are linked statically; system libraries come from the system, not from the program's directory.
RELEASE = --configuration release --static-swift-stdlib --disable-local-rpath

.PHONY: demo test unit black-box build bench bench-count bench-floods bench-growth bench-rules bench-state bench-steady format format-check fuzz fuzz-all nightly deps deps-test deps-bench deps-charts deps-deb charts deb image man clean
.DEFAULT_GOAL := build

demo: deps
	$(SWIFT) build --product sidegate
	exec "$$($(SWIFT) build --show-bin-path)/sidegate" demo --listen $(LISTEN)

# Sequential, also with -j: both parts build, and the second measures memory.
test: deps deps-test
	$(MAKE) unit
	$(MAKE) black-box

unit: deps
	$(SWIFT) test $(UNIT_ARGS)

black-box: deps-test build
	SIDEGATE_BINARY=$(BINARY) $(BLACK_BOX)

build: deps
	$(SWIFT) build $(RELEASE) --product sidegate
	strip -o .build/sidegate "$$($(SWIFT) build $(RELEASE) --show-bin-path)/sidegate"
	@ls -l .build/sidegate | awk '{ printf "%s %.1f MB\n", $$NF, $$5 / 1e6 }'

# All comparisons with other programs, then the cost of sessions in Redis, assertions and rules; with BENCH_ARGS only the
# comparisons.
bench: deps-bench build
ifneq ($(strip $(BENCH_ARGS)),)
	$(PYTHON) Benchmarks/bench.py --sidegate $(BINARY) $(BENCH_ARGS)
else
	@good=0; for one in bench state rules; do \
		$(PYTHON) Benchmarks/$$one.py --sidegate $(BINARY) || good=1; echo; done; exit $$good
endif

# The cost of floods over HTTP/2, and the latency of other clients meanwhile.
bench-floods: deps-bench build
	$(PYTHON) Benchmarks/floods.py --sidegate $(BINARY) $(BENCH_ARGS)

bench-state: deps-bench build
	$(PYTHON) Benchmarks/state.py --sidegate $(BINARY) $(BENCH_ARGS)

# The effect of reloads, restarts and a run of ten minutes.
bench-steady: deps-bench build
	$(PYTHON) Benchmarks/steady.py --sidegate $(BINARY) $(BENCH_ARGS)

# How cost and memory grow; BENCH_ARGS=--quick for smaller steps, BENCH_ARGS="--only users rules" for some of the curves.
bench-growth: deps-bench build
	$(PYTHON) Benchmarks/growth.py --sidegate $(BINARY) $(BENCH_ARGS)

bench-rules: deps-bench build
	$(PYTHON) Benchmarks/rules.py --sidegate $(BINARY) $(BENCH_ARGS)

bench-count: deps-bench build
	$(PYTHON) Benchmarks/bench.py --sidegate $(BINARY) --count $(BENCH_ARGS)

fuzz: deps
	scripts/fuzz build
	scripts/fuzz run $(TARGET) $(SECONDS)

fuzz-all: deps
	scripts/fuzz build
	scripts/fuzz all $(SECONDS)

nightly: deps
	scripts/fuzz build
	scripts/fuzz all 600

# Uses the built program if it exists. With CHARTS_COMPLETE=1 a skipped test fails the run.
charts: deps-charts
	PATH="$$(scripts/chart-tools):$$PATH" SIDEGATE_BINARY="$${SIDEGATE_BINARY:-$(wildcard $(BINARY))}" $(PYTHON) -m pytest $(PYTEST_ARGS) Tests/ChartTests

deb: deps deps-deb build
	@mkdir -p artifacts
	scripts/debian-package $(BINARY) artifacts

image: deps deps-charts
	scripts/build-image artifacts

man: build
	@mkdir -p artifacts
	scripts/manual-page $(BINARY) >artifacts/sidegate.1
	scripts/manual-page --configuration $(BINARY) >artifacts/sidegate.yaml.5
	@echo artifacts/sidegate.1 artifacts/sidegate.yaml.5

format:
	$(SWIFT) format --in-place --recursive --parallel Package.swift Sources Tests Fuzzing

format-check:
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests Fuzzing

deps:
	@scripts/dependencies build

deps-test:
	@scripts/dependencies test
	@scripts/test-tools
	@scripts/test-apps
	@scripts/test-providers

deps-bench:
	@scripts/dependencies bench

deps-charts: deps-deb
	@scripts/dependencies charts

deps-deb:
	@scripts/dependencies deb

clean:
	$(SWIFT) package clean
	rm -rf artifacts .build/sidegate
