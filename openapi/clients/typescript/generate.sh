#!/bin/sh
# $DOCUMENT becomes the types of a client in $OUT.
set -eu
here=$(dirname "$0")
# A field that has a default may be left out of what is sent.
"$here/node_modules/.bin/openapi-typescript" "$DOCUMENT" \
	--output "$OUT/service-client.d.ts" --default-non-nullable=false
