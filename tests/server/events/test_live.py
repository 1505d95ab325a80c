"""Streams for open pages: one poller for all, changes and heartbeats, an end in time, and no more than there may be."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError

from kybern.server.events.live import HUB, Hub, TooMany, stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client


class Source:
    """A log's size that a test sets, and how often it was asked for and by which threads."""

    def __init__(self, size: int = 7) -> None:
        self.size, self.asked, self.threads = size, 0, set[str]()
        self.away = False

    def __call__(self) -> int:
        self.asked += 1
        self.threads.add(threading.current_thread().name)
        if self.away:
            raise OperationalError
        return self.size


async def gathered(hub: Hub, since: int | None, longest: float, heartbeat: float = 15.0) -> list[str]:
    return [part async for part in stream(hub, since, longest, heartbeat)]


def test_a_change_is_told_and_the_stream_ends() -> None:
    source = Source()
    hub = Hub(source, every=0.02)

    async def scene() -> list[str]:
        task = asyncio.create_task(gathered(hub, None, 0.5))
        await asyncio.sleep(0.15)
        source.size = 9
        return await task

    assert asyncio.run(scene()) == ["retry: 3000\n\n", "id: 7\n\n", "id: 9\nevent: changed\ndata: 9\n\n", ": nothing new\n\n"]


def test_who_comes_back_is_told_what_was_missed_and_only_then() -> None:
    hub = Hub(Source(9), every=0.02)
    assert "id: 9\nevent: changed\ndata: 9\n\n" in asyncio.run(gathered(hub, 7, 0.2))
    assert not [part for part in asyncio.run(gathered(hub, 9, 0.2)) if "changed" in part]


def test_what_was_polled_before_the_readers_page_was_made_is_no_news_to_it() -> None:
    source = Source(7)
    hub = Hub(source, every=0.02)

    async def scene() -> list[str]:
        task = asyncio.create_task(gathered(hub, 9, 0.4))  # the page shows entries that the poller has not seen yet
        await asyncio.sleep(0.1)
        source.size = 9
        await asyncio.sleep(0.1)
        source.size = 10
        return [part for part in await task if "changed" in part]

    assert asyncio.run(scene()) == ["id: 10\nevent: changed\ndata: 10\n\n"]


def test_a_page_listens_from_the_entry_that_the_log_had_when_it_was_made(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import LogHead

    page = sign_in("viewer").get("/readiness").content.decode()
    assert f'data-live="/events?since={LogHead.objects.get(pk=1).size}"' in page


def test_a_heartbeat_comes_while_nothing_does() -> None:
    found = asyncio.run(gathered(Hub(Source(), every=0.02), None, 0.5, heartbeat=0.1))
    assert 3 <= found.count(": nothing new\n\n") <= 6


def test_many_streams_have_one_poller_which_ends_with_them() -> None:
    source = Source()
    hub = Hub(source, every=0.05)

    async def scene() -> None:
        await asyncio.gather(*(gathered(hub, None, 0.5) for _ in range(100)))

    asyncio.run(scene())
    assert source.threads == {"kybern-events"}
    assert source.asked <= 13
    until = time.monotonic() + 5
    while hub._thread is not None and time.monotonic() < until:
        time.sleep(0.02)
    assert hub._thread is None
    before = source.asked
    time.sleep(0.2)
    assert source.asked == before


def test_no_more_listen_than_may_and_a_place_comes_free() -> None:
    hub = Hub(Source(), most=2, every=0.02)

    async def scene() -> None:
        with hub.listening(), hub.listening():
            assert hub.full
            with pytest.raises(TooMany), hub.listening():
                pass
            assert await gathered(hub, None, 0.2) == ["retry: 30000\n\n"]
        assert not hub.full
        task = asyncio.create_task(gathered(hub, None, 60))
        await asyncio.sleep(0.1)
        assert len(hub._listeners) == 1
        task.cancel()  # as a server does when the browser goes away
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(hub._listeners) == 0

    asyncio.run(scene())


def test_a_database_that_is_away_ends_no_stream() -> None:
    source = Source()
    source.away = True
    hub = Hub(source, every=0.02)

    async def scene() -> list[str]:
        task = asyncio.create_task(gathered(hub, 7, 0.5))
        await asyncio.sleep(0.1)
        source.away, source.size = False, 8
        return await task

    assert "id: 8\nevent: changed\ndata: 8\n\n" in asyncio.run(scene())


def test_a_stop_ends_all_streams_at_once() -> None:
    hub = Hub(Source(), every=0.02)

    async def scene() -> float:
        task = asyncio.create_task(gathered(hub, None, 60))
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        hub.stop()
        await task
        return time.monotonic() - begun

    assert asyncio.run(scene()) < 1


@pytest.mark.django_db
def test_the_door(client: Client, sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/events").status_code == 401
    reader = sign_in("viewer")
    assert reader.post("/events").status_code == 405
    monkeypatch.setattr(HUB, "_most", 0)
    full = reader.get("/events")
    assert (full.status_code, full["Retry-After"]) == (503, "30")
    monkeypatch.undo()
    answer = reader.get("/events")
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (200, "text/event-stream", "no-store")
