"""The operations, as attributes of both clients: what is a function for `Kybern` is a coroutine function for `AsyncKybern`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from functools import wraps
from typing import Any, Final, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from kybern.client import _access, _catalog, _events, _evidence, _log, _me, _records, _rules, _standing
from kybern.client._exchange import Call
from kybern.client._results import Page

P = ParamSpec("P")
T = TypeVar("T")


class Waiting(Protocol):
    """A client that waits for each answer."""

    def send(self, call: Call[T]) -> T:
        """Send a call and give what it answers."""

    def pages(self, call: Call[Page[T]]) -> Iterator[T]:
        """Go through a list."""

    def follow(self, course: Generator[Call[Any], Any, T]) -> T:
        """Send what a course asks to send, until it returns."""


class Awaiting(Protocol):
    """A client that lets others run meanwhile."""

    async def send(self, call: Call[T]) -> T:
        """Send a call and give what it answers."""

    def pages(self, call: Call[Page[T]]) -> AsyncIterator[T]:
        """Go through a list."""

    async def follow(self, course: Generator[Call[Any], Any, T]) -> T:
        """Send what a course asks to send, until it returns."""


class One(Generic[P, T]):
    """An operation with one answer."""

    def __init__(self, build: Callable[P, Call[T]]) -> None:
        """Take the function that says what to send."""
        self._build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: Waiting, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: Awaiting, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        """Give the operation of one client."""
        if client is None:
            return self

        @wraps(self._build)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.send(self._build(*args, **kwargs))

        return call


class Many(Generic[P, T]):
    """An operation whose answer is a list, fetched page by page as it is gone through."""

    def __init__(self, build: Callable[P, Call[Page[T]]]) -> None:
        """Take the function that says what to send for the first page."""
        self._build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: Waiting, owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, client: Awaiting, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        """Give the operation of one client."""
        if client is None:
            return self

        @wraps(self._build)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.pages(self._build(*args, **kwargs))

        return call


class Course(Generic[P, T]):
    """An operation of several requests, whose answers become one."""

    def __init__(self, build: Callable[P, Generator[Call[Any], Any, T]]) -> None:
        """Take the function that says what to send, is given what each answers, and returns what becomes of them."""
        self._build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: Waiting, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: Awaiting, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        """Give the operation of one client."""
        if client is None:
            return self

        @wraps(self._build)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.follow(self._build(*args, **kwargs))

        return call


class Operations:
    """Everything that can be asked of a server."""

    kinds: Final = One(_records.kinds)
    schema: Final = One(_records.schema)
    records: Final = Many(_records.records)
    record: Final = One(_records.record)
    put_record: Final = One(_records.put_record)
    patch_record: Final = One(_records.patch_record)
    delete_record: Final = One(_records.delete_record)
    write_records: Final = One(_records.write_records)

    put_evidence: Final = Course(_evidence.put_evidence)
    evidence: Final = Many(_evidence.evidence)
    evidence_piece: Final = One(_evidence.evidence_piece)
    envelope: Final = One(_evidence.envelope)
    proof: Final = One(_evidence.proof)

    assessment: Final = One(_standing.assessment)
    system_assessment: Final = One(_standing.system_assessment)
    requirements: Final = Many(_standing.requirements)
    requirement: Final = One(_standing.requirement)
    control_assessment: Final = One(_standing.control_assessment)
    gaps: Final = Many(_standing.gaps)
    obligations: Final = Many(_standing.obligations)
    unsettled: Final = One(_standing.unsettled)
    trace: Final = One(_standing.trace)

    frameworks: Final = One(_catalog.frameworks)
    framework: Final = One(_catalog.framework)
    controls: Final = Many(_catalog.controls)
    control: Final = One(_catalog.control)
    crosswalks: Final = One(_catalog.crosswalks)
    crosswalk: Final = Many(_catalog.crosswalk)

    rules: Final = One(_rules.rules)
    decide: Final = One(_rules.decide)

    log: Final = One(_log.log)
    checkpoint: Final = One(_log.checkpoint)
    log_entries: Final = Many(_log.log_entries)
    trusted_keys: Final = One(_log.trusted_keys)

    events: Final = Many(_events.events)

    me: Final = One(_me.me)
    tokens: Final = One(_me.tokens)
    issue_token: Final = One(_me.issue_token)
    revoke_token: Final = One(_me.revoke_token)

    users: Final = Many(_access.users)
    user: Final = One(_access.user)
    add_user: Final = One(_access.add_user)
    deactivate_user: Final = One(_access.deactivate_user)
    activate_user: Final = One(_access.activate_user)
    grant_role: Final = One(_access.grant_role)
    withdraw_role: Final = One(_access.withdraw_role)
    units: Final = One(_access.units)
    add_unit: Final = One(_access.add_unit)
    move_unit: Final = One(_access.move_unit)
    remove_unit: Final = One(_access.remove_unit)
    put_into_unit: Final = One(_access.put_into_unit)
    roles: Final = One(_access.roles)
    change_role: Final = One(_access.change_role)
    reset_role: Final = One(_access.reset_role)
    access_log: Final = Many(_access.access_log)
