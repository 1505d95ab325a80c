#!/bin/sh
# Run a benchmark beside the tools it is held against, in an environment of its own: tools/peers.sh benchmarks/policy.py …
#
# Where those tools cannot be had, it runs in .venv, leaves them out and says so.
set -u

cd "$(dirname "$0")/.."
peers=.cache/peers
pip="$peers/bin/python -m pip --disable-pip-version-check --no-input --quiet install"
wanted() { cat requirements/run.txt requirements/peers.txt; }
if ! wanted | cmp -s - "$peers/.stamp"; then
    rm -rf "$peers"
    .venv/bin/python -m venv "$peers" \
        && $pip --require-hashes --only-binary=:all: -r requirements/run.txt \
        && $pip --require-hashes --only-binary=:all: --no-deps -r requirements/peers.txt \
        && $pip --no-deps --no-build-isolation -e . \
        && wanted >"$peers/.stamp"
fi
if [ -f "$peers/.stamp" ]; then
    exec "$peers/bin/python" "$@"
fi
echo "peers: could not be installed; the benchmark runs without them" >&2
exec .venv/bin/python "$@"
