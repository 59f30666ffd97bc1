#!/bin/sh
# Checks the types of the story with the client in $OUT, and tells it to $SERVICE.
set -eu
cd "$(dirname "$0")"
tools=../../../.tools/clients-python/bin
MYPYPATH=$OUT "$tools/mypy" --config-file mypy.ini --cache-dir "$OUT/.mypy_cache" story.py
PYTHONPATH=$OUT PYTHONDONTWRITEBYTECODE=1 exec "$tools/python" story.py
