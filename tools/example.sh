#!/bin/sh
# Measure the example organisation, write its report and show where it stands.
#
# What is measured is dated when it is measured: now. AT=2026-11-20 replays the day on which the example's story stands: it dates the
# measurements of this run to that day and asks as of it, so that the numbers of the handbook come out at any time.
set -eu

cd "$(dirname "$0")/.."
sh tools/setup.sh run
at=${AT:-now}
example=examples/meridian
page=$(pwd)/build/meridian.html

observe() {
    if [ "$at" = now ]; then .venv/bin/python "$example/pipeline/run.py"; else .venv/bin/python "$example/pipeline/run.py" --at "${at}T09:00:00Z"; fi
}
ask() {
    if [ "$at" = now ]; then .venv/bin/kybern "$@" -C "$example"; else .venv/bin/kybern "$@" -C "$example" --as-of "$at"; fi
}

echo "example: measuring the AI systems of $example and signing the evidence"
observe
echo "example: writing the report"
mkdir -p build
ask report --html "$page" >/dev/null
echo "example: kybern assess -C $example (as of $at)"
ask assess
echo
echo "The same as a page, with the reasons under every status: $page"
