"""Time decisions beside other engines, in one process, on the same rules and requests; answers are compared first.

    benchmarks/policy.py                     100 rules, 50,000 requests, every engine that is installed
    benchmarks/policy.py --growth            the same at 100, 1,000 and 10,000 rules, Kybern alone
    benchmarks/policy.py --solver            conflicts and needless rules among 1,000 rules

Each rule denies where one or two conditions hold, in a form that every engine here can say. Others come from requirements/peers.txt;
one that is not installed is left out and said so.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from kybern.policy import Bundle, DecisionLog, Effect, Facts, RuleSpec, decide, read_schema
from kybern.policy._bundle import make_rule
from kybern.policy._check import check

ACTION = "call-tool"
_FACTS = "".join(
    f"""
  - {{name: {name}, type: {kind}, label: {name}, description: {name}, example: {example}{more}}}"""
    for name, kind, example, more in (
        ("tool.name", "string", "none", ", case: exact"),
        ("session.region", "string", "none", ", case: exact"),
        ("call.amount", "number", "1", ""),
        ("call.tokens", "int", "1", ""),
    )
)
SCHEMA = read_schema(
    f"""
id: bench
version: "1"
title: What every engine here can say
actions: {{{ACTION}: An agent calls a tool}}
providers: {{clock: The clock}}
facts:
  - {{name: request.time, type: timestamp, label: now, description: When, provider: clock, example: "2026-11-23T09:00:00Z"}}{_FACTS}
""".encode(),
    "bench",
)


class Condition(NamedTuple):
    """One condition on one fact."""

    field: str
    operator: str
    value: Any


Parts = tuple[Condition, ...]
"""A rule: it denies where all of its conditions hold."""


def conditions(count: int, seed: int = 1) -> list[Parts]:
    """Make as many different rules: mostly on which tool is called, half with a bound; a few on amounts, tokens and regions."""
    rng = random.Random(seed)  # noqa: S311 - rules, not keys
    found: list[Parts] = []
    for number in range(count):
        if number % 20 == 19:  # noqa: PLR2004 - one in twenty
            kinds = (("call.amount", "gt", 9_000.0 + number), ("call.tokens", "gt", 90_000 + number))
            found.append((Condition(*rng.choice(kinds)),))
        elif number % 10 == 9:  # noqa: PLR2004
            found.append((Condition("session.region", "in", [f"region{number}", f"region{number + 1}"]),))
        elif number % 5 == 4:  # noqa: PLR2004
            found.append((Condition("tool.name", "in", [f"tool{number}", f"tool{number}b"]),))
        else:
            bound = (Condition("call.amount", "gt", float(rng.randrange(1, 9_000))),) if number % 2 else ()
            found.append((Condition("tool.name", "eq", f"tool{number}"), *bound))
    return found


def requests(count: int, rules: int, seed: int = 2) -> list[dict[str, Any]]:
    """Make requests of which about half meet a rule; tools are called unevenly, as they are."""
    rng = random.Random(seed)  # noqa: S311
    return [
        {
            "tool.name": f"tool{int(rules * rng.random() ** 2)}" if rng.random() < 0.6 else f"other{rng.randrange(rules)}",  # noqa: PLR2004
            "session.region": f"region{rng.randrange(3 * rules)}",
            "call.amount": rng.random() * 9_100,
            "call.tokens": rng.randrange(90_500),
        }
        for _ in range(count)
    ]


# --- The engines -------------------------------------------------------------------------------------------------------------------

_SIGNS = {"eq": "==", "gt": ">", "in": "in"}


def as_text(rule: Parts, joint: str = " && ") -> str:
    """Write a rule as Kybern and CEL both read it."""
    return joint.join(f"{one.field} {_SIGNS[one.operator]} {json.dumps(one.value)}" for one in rule)


def bundle(rules: Sequence[Parts], effects: Sequence[Effect] = (Effect.DENY,)) -> Bundle:
    """Make a bundle of Kybern's; what no rule denies is allowed, as in the others."""
    made = []
    for number, one in enumerate(rules):
        spec = RuleSpec.model_construct(
            id=f"r{number}", title="r", owner="o", rationale="r", controls=(), requirements=(), applies_to=(ACTION,),
            effect=effects[number % len(effects)],
            when=as_text(one), message="m", obligations=(), approvers=(), modify={}, retry=None, effective=None, profiles=(), examples=(),
        )  # fmt: skip
        made.append(make_rule(spec, check(spec.when, SCHEMA, (ACTION,), {}), {}))
    return Bundle(SCHEMA, tuple(made), {}, default=Effect.ALLOW)


def facts_of(request: dict[str, Any]) -> Facts:
    """Take a request in."""
    return SCHEMA.facts_of({"action": ACTION, **request}, {"request.time": "2026-11-23T09:00:00Z"})


Engine = tuple[str, list[Any], Callable[[Any], bool]]
"""Name with version, the requests as the engine wants them, and the function that tells whether one is allowed."""


def kybern_engine(rules: Sequence[Parts], asked: Sequence[dict[str, Any]]) -> Engine:
    """Decide with Kybern, on facts that were taken in before."""
    found = bundle(rules)
    return f"kybern {version('kybern')}", [facts_of(one) for one in asked], lambda facts: decide(found, facts).effect is Effect.ALLOW


def nested(request: dict[str, Any]) -> dict[str, Any]:
    """Write dotted names as maps within maps."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in request.items():
        root, leaf = name.split(".")
        found.setdefault(root, {})[leaf] = value
    return found


def cel_engine(rules: Sequence[Parts], asked: Sequence[dict[str, Any]]) -> Engine:
    """Decide with the official CEL: one expression a rule, compiled once, and the activation made once a request."""
    from cel_expr_python import cel  # noqa: PLC0415 - may not be installed

    env = cel.NewEnv(variables={root: cel.Type.Map(cel.Type.STRING, cel.Type.DYN) for root in ("tool", "session", "call")})
    programs = [env.compile(as_text(one)) for one in rules]

    def allowed(data: dict[str, Any]) -> bool:
        activation = env.Activation(data)
        return not any(program.eval(activation).value() for program in programs)

    return f"cel-expr-python {version('cel-expr-python')}", [nested(one) for one in asked], allowed


def cedar_engine(rules: Sequence[Parts], asked: Sequence[dict[str, Any]]) -> Engine:
    """Decide with Cedar. It has no fractions, so amounts are in cents."""
    import cedarpy  # noqa: PLC0415

    policies = ["permit(principal, action, resource);"]
    policies += [f"forbid(principal, action, resource) when {{ {' && '.join(map(as_cedar, rule))} }};" for rule in rules]
    text = "\n".join(policies)

    def allowed(request: dict[str, Any]) -> bool:
        return bool(cedarpy.is_authorized(request, text, []).allowed)

    made = [
        {
            "principal": 'Agent::"a"', "action": 'Action::"call"', "resource": 'Tool::"t"',
            "context": {name: int(value * 100) if isinstance(value, float) else value for name, value in one.items()},
        }
        for one in asked
    ]  # fmt: skip
    return f"cedarpy {version('cedarpy')}", made, allowed


def as_cedar(one: Condition) -> str:
    """Write a condition as Cedar reads it."""
    name = f'context["{one.field}"]'
    value = json.dumps(round(one.value * 100) if isinstance(one.value, float) else one.value)
    return f"{value}.contains({name})" if one.operator == "in" else f"{name} {_SIGNS[one.operator]} {value}"


def toolkit_engine(rules: Sequence[Parts], asked: Sequence[dict[str, Any]]) -> Engine:
    """Decide with the agent-governance toolkit's engine of YAML rules, in its present form (governance.toolkit/v1)."""
    from agentmesh.governance.policy import Policy, PolicyEngine, PolicyRule  # noqa: PLC0415

    made = [PolicyRule(name=f"r{number}", condition=as_text(rule, " and ").replace('"', "'")) for number, rule in enumerate(rules)]
    engine = PolicyEngine(conflict_strategy="deny_overrides")
    engine.load_policy(Policy(name="bench", agents=["*"], rules=made, default_action="allow"))
    name = f"agent-governance-toolkit {version('agent-governance-toolkit')}"
    return name, [nested(one) for one in asked], lambda request: bool(engine.evaluate("did:mesh:a", request).allowed)


ENGINES = (kybern_engine, cel_engine, cedar_engine, toolkit_engine)


# --- Measuring ---------------------------------------------------------------------------------------------------------------------


def timed(run: Callable[[Any], Any], asked: Sequence[Any]) -> tuple[float, float]:
    """Give the median of single calls and the mean over all, both in microseconds: wall for the one, CPU for the other."""
    clock = time.perf_counter_ns
    gc.collect()
    single = []
    for one in asked:
        start = clock()
        run(one)
        single.append(clock() - start)
    start_cpu = time.process_time()
    for one in asked:
        run(one)
    return statistics.median(single) / 1000, (time.process_time() - start_cpu) / len(asked) * 1e6


def beside(count: int, asked: int, engines: Sequence[Callable[..., Engine]] = ENGINES) -> dict[str, tuple[float, float]]:
    """Run every engine there is on the same rules and requests; slower ones on fewer, after all answers were compared on those."""
    rules, made = conditions(count), requests(asked, count)
    found: dict[str, tuple[float, float]] = {}
    truth: list[bool] | None = None
    for engine in engines:
        try:
            few = made if engine is kybern_engine else made[: max(200, asked // 50)]
            name, given, allowed = engine(rules, few)
        except (ImportError, PackageNotFoundError) as error:
            print(f"  left out: {engine.__name__.removesuffix('_engine')}, not installed ({error})")
            continue
        answers = [allowed(one) for one in given]
        truth = truth or answers
        if answers != truth[: len(answers)]:
            sys.exit(f"{name} decides otherwise: {sum(a is not b for a, b in zip(answers, truth, strict=False))} of {len(answers)}")
        found[name] = timed(allowed, given)
    return found


def evidence(count: int, asked: int) -> tuple[float, float]:
    """Time a decision with its record written: chained, in canonical JSON, flushed by the buffer of a file."""
    found = bundle(conditions(count))
    log = DecisionLog(io.BytesIO())
    given = [facts_of(one) for one in requests(asked, count)]
    return timed(lambda facts: log.append(decide(found, facts), facts.values), given)


def door(asked: int) -> tuple[float, float]:
    """Time the door through which facts come in, every one checked."""
    return timed(facts_of, requests(asked, 100))


def solver(count: int) -> float:
    """Give the CPU seconds that analysing so many rules takes."""
    from kybern.policy.analysis import analyse  # noqa: PLC0415 - loads the solver

    made = bundle(mixed(count), (Effect.DENY, Effect.ALLOW))
    start = time.process_time()
    found = analyse(made)
    seconds = time.process_time() - start
    kinds = {kind: sum(one.kind == kind for one in found.findings) for kind in ("conflict", "shadowed", "redundant", "undecided")}
    print(f"  {count} rules, {found.pairs} pairs, {found.asked} asked of the solver: {seconds:.2f} s CPU; {kinds}")
    return seconds


def mixed(count: int) -> list[Parts]:
    """Make rules that overlap, for the solver."""
    rng = random.Random(5)  # noqa: S311
    found: list[Parts] = []
    for number in range(count):
        one = rng.choice(
            (
                Condition("tool.name", "eq", f"tool{rng.randrange(count // 2)}"),
                Condition("tool.name", "in", [f"tool{rng.randrange(count // 2)}", f"tool{count + number}"]),
                Condition("session.region", "in", [f"region{rng.randrange(count)}", f"region{count + number}"]),
                Condition("call.amount", "gt", rng.random() * 1e6),
            )
        )
        more = (Condition("call.tokens", "gt", rng.randrange(90_000)),) if rng.random() < 0.5 else ()  # noqa: PLR2004 - half of them
        found.append((one, *more))
    return found


def main() -> None:
    """Run what is asked for and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rules", type=int, default=100)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--solver", action="store_true")
    asked = parser.parse_args()
    if asked.solver:
        solver(1000)
        return
    if asked.growth:
        for count in (100, 1000, 10_000):
            name, given, allowed = kybern_engine(conditions(count), requests(asked.requests, count))
            median, mean = timed(allowed, given)
            print(f"  {name}, {count:>6} rules: p50 {median:.2f} µs, mean {mean:.2f} µs CPU")
        return
    print(f"{asked.rules} rules, {asked.requests} requests (others on a fiftieth of them; all answers agree):")
    found = beside(asked.rules, asked.requests)
    ours = next(iter(found.values()))[1]
    for name, (median, mean) in found.items():
        print(f"  {name:<34} p50 {median:>9.2f} µs   mean {mean:>9.2f} µs CPU   {mean / ours:>8.1f} times ours")
    for what, (median, mean) in (
        ("with its record, chained", evidence(asked.rules, asked.requests)),
        ("taking facts in", door(asked.requests)),
    ):
        print(f"  kybern, {what:<26} p50 {median:>9.2f} µs   mean {mean:>9.2f} µs CPU")


if __name__ == "__main__":
    main()
