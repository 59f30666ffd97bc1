#!/bin/sh
# $DOCUMENT becomes the crate service-client in $OUT.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/../../../.tools/clients-openapi-generator/bin/openapi-generator-cli" generate \
	--config "$here/config.yaml" --input-spec "$DOCUMENT" --output "$OUT"
