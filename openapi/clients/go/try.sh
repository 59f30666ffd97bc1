#!/bin/sh
# Builds the story with the package in $OUT, and tells it to $SERVICE.
set -eu
cd "$OUT"
export GOFLAGS=-mod=readonly
go vet ./...
exec go run .
