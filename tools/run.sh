#!/bin/sh
# Start the server with the example organisation: measured once, taken in, then served until Ctrl+C.
#
# Everything lies in build/server; remove that folder to begin anew. PORT=9000 listens elsewhere.
set -eu

cd "$(dirname "$0")/.."
sh tools/setup.sh run
data=build/server
port=${PORT:-8042}

if [ ! -d "$data" ]; then
    echo "run: measuring the AI systems of examples/meridian and signing the evidence"
    .venv/bin/python examples/meridian/pipeline/run.py
    mkdir -p build
fi
exec .venv/bin/kybern up --data "$data" --from examples/meridian --sample --port "$port"
