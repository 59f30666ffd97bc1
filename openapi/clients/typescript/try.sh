#!/bin/sh
# Compiles the story with the types in $OUT, and tells it to $SERVICE.
set -eu
cd "$(dirname "$0")"
node_modules/.bin/tsc -p .
# Node looks for packages beside what it runs.
ln -sfn "$PWD/node_modules" "$OUT/node_modules"
echo '{ "type": "module" }' > "$OUT/package.json"
exec node "$OUT/story.js"
