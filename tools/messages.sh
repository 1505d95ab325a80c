#!/bin/sh
# Gather the texts of the pages, merge them into src/kybern/server/locale and compile; --check only tells whether they are up to date.
set -eu

cd "$(dirname "$0")/.."
sh tools/setup.sh dev
exec .venv/bin/python tools/messages.py "$@"
