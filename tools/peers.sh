#!/bin/sh
# Run a benchmark beside the tools it is held against, in an environment of its own: tools/peers.sh benchmarks/policy.py …
#
# Where those tools cannot be had, it runs in .venv, leaves them out and says so.
set -u

cd "$(dirname "$0")/.."
peers=.cache/peers
if ! cmp -s requirements/peers.txt "$peers/.stamp"; then
    rm -rf "$peers"
    .venv/bin/python -m venv "$peers" \
        && "$peers/bin/python" -m pip --disable-pip-version-check --no-input --quiet install \
            --require-hashes --only-binary=:all: -r requirements/peers.txt \
        && "$peers/bin/python" -m pip --disable-pip-version-check --no-input --quiet install --no-deps --no-build-isolation -e . \
        && cp requirements/peers.txt "$peers/.stamp"
fi
if [ -f "$peers/.stamp" ]; then
    exec "$peers/bin/python" "$@"
fi
echo "peers: could not be installed; the benchmark runs without them" >&2
exec .venv/bin/python "$@"
