#!/bin/sh
# Builds the story with the crate in $OUT, and tells it to $SERVICE.
set -eu
cd "$(dirname "$0")"
exec env CARGO_TARGET_DIR=../../../target/clients-rust cargo run --quiet --locked
