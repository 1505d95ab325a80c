#!/bin/sh
# Write requirements/*.txt anew from pyproject.toml; UPGRADE=1 takes the newest versions, otherwise pins stay where they can.
set -eu

cd "$(dirname "$0")/.."
if ! command -v uv >/dev/null 2>&1; then
    echo "lock: uv is not installed; only this target needs it (pip install uv)." >&2
    exit 2
fi
compile() {
    # No line of the locks names where packages came from: whoever installs decides that.
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
        ${UPGRADE:+--upgrade} "$@"
}
compile --group dev --group build --extra example --extra pkcs11 --extra server --extra saml --extra telemetry pyproject.toml -o requirements/dev.txt
compile --group build --extra example --extra server -c requirements/dev.txt pyproject.toml -o requirements/run.txt
# Peers run beside Kybern in an environment of their own, without all that they ask for: their ranges would hold ours back.
compile --no-deps --group peers -o requirements/peers.txt
echo pip | compile --no-annotate - -o requirements/pip.txt
echo "lock: wrote requirements/dev.txt, run.txt, peers.txt and pip.txt"
