"""Measure Meridian: train and measure the credit model, test the agent, check the house, sign what people stated.

Run: `python examples/meridian/pipeline/run.py [--at 2026-11-20T09:00:00Z] [--workspace DIR]`. Exit code 2 if the data cannot be had.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices: more threads only wait for each other

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import agent_run
import credit_run
import house_run
import statements
from fetch import DataMissingError, cache_dir, credit_table
from observe import Observer
from signing import Emitter

from kybern.base import InputError
from kybern.workspace import load_workspace


def main(arguments: list[str] | None = None) -> int:
    """Run the pipeline; 0 if it ran, whatever it found, and 2 if it could not."""
    options = _options(arguments)
    try:
        raw = credit_table(cache_dir())
        records = load_workspace(options.workspace).records
    except (DataMissingError, InputError) as error:
        print(error, file=sys.stderr)
        return 2
    started = time.perf_counter()
    emitter = Emitter(options.workspace.resolve(), records)
    observer = Observer(emitter, options.at)
    steps: tuple[tuple[str, Callable[[], str]], ...] = (
        ("people", lambda: f"{statements.people_speak(emitter)} statements signed"),
        ("documents", lambda: f"{statements.documents_seen(emitter)} digests signed"),
        ("credit scoring", lambda: credit_run.run(observer, raw)),
        ("service assistant", lambda: agent_run.run(observer)),
        ("the house", lambda: house_run.run(observer)),
    )
    for title, step in steps:
        print(f"{title:18} {step()}", flush=True)
    read = emitter.read()
    print(f"{len(read.accepted)} pieces of evidence, {len(read.refused)} refused, {time.perf_counter() - started:.0f} s")
    return 0 if not read.refused else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at", type=_moment, default=datetime.now(UTC), help="moment of observation, RFC 3339 (default: now)")
    parser.add_argument("--workspace", type=Path, default=Path(__file__).resolve().parents[1], help="workspace to measure")
    return parser.parse_args(arguments)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        msg = f"{text!r} is not a moment with a time zone, like 2026-11-20T09:00:00Z"
        raise argparse.ArgumentTypeError(msg)
    return moment


if __name__ == "__main__":
    sys.exit(main())
