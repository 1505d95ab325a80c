#!/bin/sh
# Put the tools that benchmarks hold Kybern against into .venv; where they cannot be had, the benchmarks leave them out and say so.
set -u

cd "$(dirname "$0")/.."
.venv/bin/python -m pip --disable-pip-version-check --no-input --quiet install --require-hashes --only-binary=:all: -r requirements/peers.txt \
    || echo "peers: could not be installed; the benchmarks run without them" >&2
