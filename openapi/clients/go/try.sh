#!/bin/sh
# Builds the story with the package in $OUT, and tells it to $SERVICE.
set -eu
cd "$OUT"
go vet ./...
exec go run .
