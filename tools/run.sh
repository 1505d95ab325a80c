#!/bin/sh
# Measure the example organisation, write its report and show where it stands.
set -eu

cd "$(dirname "$0")/.."
sh tools/setup.sh run
example=examples/meridian
page=$(pwd)/build/meridian.html

echo "run: measuring the AI systems of $example and signing the evidence"
.venv/bin/python "$example/pipeline/run.py"
echo "run: writing the report"
mkdir -p build
.venv/bin/kybern report -C "$example" --html "$page" >/dev/null
echo "run: kybern assess -C $example"
.venv/bin/kybern assess -C "$example"
echo
echo "The same as a page, with the reasons under every status: $page"
