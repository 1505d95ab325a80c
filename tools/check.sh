#!/bin/sh
# Check the code: tools/check.sh lint runs the linters, tools/check.sh test the linters and then the tests.
#
# The tests run even if a linter complains, so that one run tells everything. Exits 1 if anything failed.
set -u

cd "$(dirname "$0")/.."
sh tools/setup.sh dev || exit
bin=.venv/bin
failed=

check() {
    name=$1
    shift
    if "$@"; then
        echo "check: $name: fine"
    else
        echo "check: $name: failed" >&2
        failed="$failed $name"
    fi
}

check ruff-check "$bin/ruff" check --quiet
check ruff-format "$bin/ruff" format --quiet --check
check mypy "$bin/mypy" --no-error-summary
check import-contracts "$bin/lint-imports" --no-logo
if [ -n "$failed" ]; then
    echo "check: failed so far:$failed" >&2
fi
if [ "${1:-test}" = test ]; then
    # Where nothing compiled is kept, each of the hundreds of processes that tests start compiles Kybern anew, and pytest every test.
    unset PYTHONDONTWRITEBYTECODE
    # Each worker has one half of the tests in their order, and takes from the other's end when it is done: so what a module or
    # folder sets up is set up once, and no worker is idle while there is something to do.
    "$bin/python" -m pytest -n 2 --dist worksteal || failed="$failed pytest"
    on_both="tests/server/api tests/server/store tests/server/live tests/server/events tests/server/jobs tests/server/traffic tests/server/test_chaos.py"
    # Left out: what asks no database for its answer, the handbook and addresses. The whole API runs on both.
    pure="events/test_handbook.py jobs/test_outward.py"
    # The same server on the other database, which is started for this and thrown away.
    # shellcheck disable=SC2086,SC2046 - lists of names without spaces
    "$bin/python" tools/with_postgres.py "$bin/python" -m pytest -n 2 --dist worksteal -q $on_both \
        $(printf -- '--ignore tests/server/%s ' $pure) || failed="$failed pytest-on-postgresql"
fi
[ -z "$failed" ]
