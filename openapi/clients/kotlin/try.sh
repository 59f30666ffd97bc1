#!/bin/sh
# Builds the story with the client in $OUT, and tells it to $SERVICE.
set -eu
cd "$(dirname "$0")"
exec mvn --quiet --batch-mode verify
