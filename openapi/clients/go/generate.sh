#!/bin/sh
# $DOCUMENT becomes the package service in $OUT, a module of its own.
set -eu
cd "$(dirname "$0")"
mkdir -p "$OUT/service"
# Go wants what belongs to one module in one folder.
cp go.mod go.sum story.go "$OUT"
cd "$OUT"
# The generator is a tool of the module: go.mod has its version.
go tool oapi-codegen --config "$OLDPWD/config.yaml" -o service/client.go "$DOCUMENT"
