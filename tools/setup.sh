#!/bin/sh
# Make .venv hold what is pinned: tools/setup.sh run|dev
#
# PYTHON names the interpreter to use; without it the newest of 3.13, 3.12, 3.11 that can make a virtual environment.
# Exits 0 when all is there (at once, if nothing changed), 2 with the reason when it cannot be.
set -eu

cd "$(dirname "$0")/.."
set_name=${1:-run}
case $set_name in
run | dev) ;;
*)
    echo "setup: there is no set of packages '$set_name'; there are run and dev." >&2
    exit 2
    ;;
esac

unset PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX
export PYTHONNOUSERSITE=1

root=$(pwd)
venv=.venv
py=$venv/bin/python
log=$venv/setup.log
lock=requirements/$set_name.txt
suits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
identity='import sys; print("%d.%d.%d" % sys.version_info[:3], sys.base_prefix)'

say() { printf 'setup: %s\n' "$*"; }
die() {
    printf 'setup: %s\n' "$*" >&2
    exit 2
}

# --- Which interpreter ---------------------------------------------------------------------------------------------------

runs() { "$1" -c "$2" >/dev/null 2>&1; }
has_ensurepip() { runs "$1" 'import ensurepip, venv'; }
# pip before 22.3 has no --python, with which it can fill an environment that has no pip of its own.
has_pip() { runs "$1" 'import venv, pip; import sys; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (22, 3))'; }

find_python() {
    found=
    bare=
    for name in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        command -v "$name" >/dev/null 2>&1 || continue
        # A name alone is not enough: version managers leave names behind that run nothing.
        runs "$name" "$suits" || continue
        if has_ensurepip "$name" || has_pip "$name"; then
            found=$name
            return
        fi
        [ -n "$bare" ] || bare=$name
    done
    if [ -n "$bare" ]; then
        version=$("$bare" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        die "$bare (Python $version) can make no virtual environment: it has neither ensurepip nor pip.
       On Debian and Ubuntu the missing package is python3-venv (for an interpreter beside the system's: python$version-venv):
           apt-get install python3-venv
       Then run make again."
    fi
    if [ -n "${PYTHON:-}" ]; then
        die "PYTHON=$PYTHON does not run, or is not Python 3.11, 3.12 or 3.13."
    fi
    die "no Python 3.11, 3.12 or 3.13 was found. On Debian and Ubuntu: apt-get install python3 python3-venv.
       If one is elsewhere, name it: make PYTHON=/path/to/python3.12"
}

# --- The environment -----------------------------------------------------------------------------------------------------

# The scripts of an environment name its path, so a moved checkout needs a new one. One that somebody made by hand has no
# stamp and is kept if pip works in it.
venv_is_good() {
    [ -x "$py" ] && runs "$py" "$suits" || return 1
    if [ -n "${PYTHON:-}" ] && [ "$("$PYTHON" -c "$identity" 2>/dev/null)" != "$("$py" -c "$identity")" ]; then
        return 1
    fi
    if [ -f "$venv/.stamp-venv" ]; then
        [ "$(cat "$venv/.stamp-venv")" = "$root" ]
    else
        runs "$py" 'import pip' && printf '%s\n' "$root" >"$venv/.stamp-venv"
    fi
}

clear_venv() {
    [ -e "$venv" ] || [ -L "$venv" ] || return 0
    if [ ! -f "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv" 2>/dev/null)" ]; then
        die "$venv is there and is no virtual environment; move it away, then run make again."
    fi
    say "removing $venv: its interpreter is gone, another is asked for, or it was made elsewhere"
    rm -rf "$venv"
}

make_venv() {
    find_python
    clear_venv
    say "making $venv with $(command -v "$found"), Python $("$found" -c 'import platform; print(platform.python_version())')"
    if has_ensurepip "$found"; then
        "$found" -m venv "$venv" || die "$found -m venv failed; its message is above."
    else
        say "this interpreter has no ensurepip: its own pip fills the environment"
        "$found" -m venv --without-pip "$venv" || die "$found -m venv failed; its message is above."
        install "$found" --python "$py" install --require-hashes -r requirements/pip.txt
    fi
    printf '%s\n' "$root" >"$venv/.stamp-venv"
}

# --- Packages ------------------------------------------------------------------------------------------------------------

# install INTERPRETER ARGUMENTS...: run pip quietly; on failure show the end of what it said and what may help.
install() {
    with=$1
    shift
    "$with" -m pip --disable-pip-version-check --no-input --quiet "$@" >"$log" 2>&1 && return 0
    grep -v '^WARNING: Retrying' "$log" | tail -n 12 >&2
    if grep -Eqi 'NewConnectionError|Max retries exceeded|name resolution|Network is unreachable|Connection refused|ProxyError|timed out|No matching distribution' "$log"; then
        die "the pinned packages could not be fetched: no package index answers, or it does not have them.
       Connect to the network, or tell pip where packages are (PIP_INDEX_URL, PIP_FIND_LINKS or pip.conf), then run make again.
       All that pip said: $log"
    fi
    die "pip could not install the packages; the end of what it said is above, all of it in $log"
}

# A stamp is a copy of what was installed from, so a changed lock is seen by comparing.
wanted() { cat "$1" pyproject.toml tools/setup.sh; }
is_stamped() { [ -f "$venv/.stamp-$1" ] && wanted "requirements/$1.txt" | cmp -s - "$venv/.stamp-$1"; }
stamp() { wanted "requirements/$1.txt" >"$venv/.stamp-$1"; }

venv_is_good || make_venv
if is_stamped "$set_name"; then
    say "$venv is up to date"
    exit 0
fi
say "installing the packages pinned in $lock, hashes checked; the first time takes a minute or two"
install "$py" install --require-hashes --only-binary=:all: -r "$lock"
say "installing kybern itself"
install "$py" install --no-deps --no-build-isolation -e .
stamp "$set_name"
# dev.txt holds every pin of run.txt (a test sees to it), so what serves the tests serves a run.
if [ "$set_name" = dev ]; then
    stamp run
fi
say "ready: $venv/bin/kybern"
