#!/bin/sh
# $DOCUMENT becomes the package service_client in $OUT.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tools=$here/../../../.tools/clients-python/bin
# The generator formats with the ruff that it finds.
PATH=$tools:$PATH openapi-python-client generate --path "$DOCUMENT" \
	--config "$here/config.yaml" --meta none --output-path "$OUT/service_client" --fail-on-warning
