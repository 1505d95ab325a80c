#!/bin/sh
# Measure the example organisation, write its report and show where it stands.
#
# AT is the day of observation and of the answer: by default the day on which the example's story stands, so that the same
# numbers come out at any time. AT=now takes the clock, and shows what has lapsed since.
set -eu

cd "$(dirname "$0")/.."
sh tools/setup.sh run
at=${AT:-2026-11-20}
example=examples/meridian
page=$(pwd)/build/meridian.html

observe() {
    if [ "$at" = now ]; then .venv/bin/python "$example/pipeline/run.py"; else .venv/bin/python "$example/pipeline/run.py" --at "${at}T09:00:00Z"; fi
}
ask() {
    if [ "$at" = now ]; then .venv/bin/kybern "$@" -C "$example"; else .venv/bin/kybern "$@" -C "$example" --as-of "$at"; fi
}

echo "run: measuring the AI systems of $example and signing the evidence"
observe
echo "run: writing the report"
mkdir -p build
ask report --html "$page" >/dev/null
echo "run: kybern assess -C $example (as of $at)"
ask assess
echo
echo "The same as a page, with the reasons under every status: $page"
