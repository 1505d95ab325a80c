"""Open every kind of page of a large organisation and say how long the server takes: p50 and p95, over loopback, one reader.

    python benchmarks/server_pages.py                                   # 10,000 AI systems, 1,000,000 pieces of evidence (long)
    python benchmarks/server_pages.py --systems 1000 --evidence 50000
    python benchmarks/server_pages.py --keep /tmp/big                   # keep the data folder, and use it again

The data is made by the generator of benchmarks/assess.py; its evidence is not signed (taking in is measured by server_ingest.py), all
else is the real server: `kybern up` under granian with one worker. Each page is opened `--times` times after three to warm up; what is told
is wall time of the whole answer, and the CPU time that the server's processes took for it: on a machine with other work only that says
what the page costs. At the end signed pieces of evidence are sent one by one, with the time from sending each until an answer counts it,
for the assessment over the API and for the page of the readiness.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import httpx

EMAIL: Final = "bench@example.org"
PASSWORD: Final = "a password of the benchmark"  # noqa: S105 - of a server that lives for minutes
PAGES: Final = (
    "/",
    "/readiness",
    "/readiness/ISO42001",
    "/requirements/ISO42001:A.7.4",
    "/requirements/ISO42001:A.7.4?subject=ai_system:s7",
    "/controls",
    "/controls/DAT-04",
    "/soa",
    "/gaps",
    "/systems",
    "/systems?q=s77",
    "/systems/s7",
    "/risks",
    "/evidence",
    "/evidence?predicate=measurement",
    "/evidence?subject=ai_system:s7",
    "/rules",
    "/approvals",
    "/records/",
    "/records/ai_system/",
    "/records/model/?q=m99",
    "/records/model/m99",
    "/records/ai_system/s7/edit",
    "/records/ai_system/s7/history",
    "/calendar",
    "/calendar?kind=evidence",
    "/calendar.ics",
    "/crosswalk",
    "/trace",
    "/trace?from=ai_system:s7",
    "/settings",
    "/palette?q=s77",
    "/api/v1/records?kind=ai_system&limit=50",
    "/api/v1/evidence?limit=50",
    "/api/v1/assessment",
    "/api/v1/requirements?limit=50",
    "/api/v1/gaps?limit=50",
)
_AT_ONCE: Final = 5_000
_PIECES: Final = 20


def main() -> None:
    """Make the data or find it, start the server, open the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=int, default=10_000)
    parser.add_argument("--evidence", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kybern-bench-") as folder:
        data = asked.keep or Path(folder, "data")
        made = data.is_dir()
        from kybern.server import run  # noqa: PLC0415 - Django is set up here

        run.prepare(data)
        run.migrate()
        if not made:
            _fill(asked.systems, asked.evidence)
        key = _user_and_key()
        with _serving(data) as (client, server):
            _pages(client, server, asked.times)
            for address, seen in (("/api/v1/assessment", _entries_told), ("/readiness", _entry_shown)):
                _one_more_piece(client, server, key, address, seen)


def _fill(systems: int, count: int) -> None:
    """Fill the database."""
    from assess import evidence_of, records_of  # noqa: PLC0415 - the benchmark beside this one

    from kybern.catalog import load_catalog  # noqa: PLC0415
    from kybern.evidence.log import Entry  # noqa: PLC0415
    from kybern.server.store.evidence import Piece, insert  # noqa: PLC0415 - Django is set up by now
    from kybern.server.store.journal import DatabaseJournal  # noqa: PLC0415
    from kybern.server.store.records import Write, write_records  # noqa: PLC0415

    begun, now = time.perf_counter(), datetime.now(UTC)
    records = records_of(systems)
    role = {"kind": "role", "id": "owner", "title": "Owner", "responsibilities": ["Owns."]}
    writes = [Write("role:owner", role), *(Write(one.ref, one.content) for one in records)]
    write_records(writes, "person:administrator", "benchmark", now)
    print(f"{len(writes):,} records written in {time.perf_counter() - begun:.0f} s", flush=True)
    pieces = evidence_of(load_catalog(), records, count)
    for start in range(0, count, _AT_ONCE):
        part = [Piece(one, b"", f"{number:064x}") for number, one in enumerate(pieces[start : start + _AT_ONCE], start + 1)]
        entries = [Entry(one.evidence.id, one.digest, "pipeline:bench") for one in part]
        insert(part, DatabaseJournal().append(entries, now), now)
    print(f"{count:,} pieces of evidence are in after {time.perf_counter() - begun:.0f} s", flush=True)


def _user_and_key() -> bytes:
    """Make the reader, and trust a key; gives its PEM."""
    from kybern.evidence import PrivateKey  # noqa: PLC0415
    from kybern.server.access.models import Grant, Role, User  # noqa: PLC0415 - Django is set up by now
    from kybern.server.store.keys import trust  # noqa: PLC0415
    from kybern.server.store.projection import root_unit  # noqa: PLC0415

    if not User.objects.filter(email=EMAIL).exists():
        user = User.objects.create_user(EMAIL, PASSWORD)
        Grant.objects.create(user=user, role=Role.objects.get(slug="administrator"), unit_id=root_unit())
    key = PrivateKey.generate()
    since = datetime.now(UTC) - timedelta(days=1)
    trust([key.trusted(name=f"bench-{key.keyid[:8]}", holder="pipeline:bench", kind="pipeline", valid_from=since)])
    return key.pem()


@contextlib.contextmanager
def _serving(data: Path) -> Iterator[tuple[httpx.Client, int]]:
    """Run the server, and give a reader that is signed in, and the server's process."""
    import httpx  # noqa: PLC0415 - after Django

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from kybern.cli import main; main()", "up", "--data", str(data), "--port", str(port)]
    environment = {**os.environ, "KYBERN_URL": f"http://127.0.0.1:{port}", "KYBERN_LOG_LEVEL": "WARNING", "KYBERN_RATE_LIMIT": "0"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as server:  # noqa: S603 - ourselves
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, follow_redirects=True) as client:
                _sign_in(client)
                yield client, server.pid
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def _sign_in(client: httpx.Client) -> None:
    import httpx  # noqa: PLC0415 - after Django

    begun = time.perf_counter()
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            page = client.get("/accounts/login/").text
            break
        time.sleep(0.1)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    form = {"login": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": token[1] if token else ""}
    client.post("/accounts/login/", data=form, headers={"Referer": str(client.base_url)})
    for _ in range(1200):
        if client.get("/readiness").status_code != 503:  # noqa: PLR2004 - not ready yet
            break
        time.sleep(0.5)
    print(f"first assessment there after {time.perf_counter() - begun:.1f} s", flush=True)


def _pages(client: httpx.Client, server: int, times: int) -> None:
    print(f"{'page':52} {'p50 ms':>8} {'p95 ms':>8} {'CPU ms':>8} {'first':>8} {'kB':>7}")
    for address in PAGES:
        begun = time.perf_counter()
        first = client.get(address)
        took_first = (time.perf_counter() - begun) * 1000
        if first.status_code != 200:  # noqa: PLR2004 - it is told
            print(f"{address:52} answers {first.status_code}")
            continue
        for _ in range(2):
            client.get(address)
        before = _cpu(server)
        took = sorted(_time(client, address) for _ in range(times))
        spent = (_cpu(server) - before) / times
        size = len(first.content) / 1024
        print(f"{address:52} {statistics.median(took):8.1f} {_p95(took):8.1f} {spent:8.1f} {took_first:8.0f} {size:7.0f}", flush=True)


def _p95(took: Sequence[float]) -> float:
    return sorted(took)[min(len(took) - 1, int(len(took) * 0.95))]


def _time(client: httpx.Client, address: str) -> float:
    begun = time.perf_counter()
    client.get(address).raise_for_status()
    return (time.perf_counter() - begun) * 1000


def _cpu(server: int) -> float:
    """Give the CPU time that a process and those below it took so far, in milliseconds; nan where there is no /proc."""
    parents: dict[int, tuple[int, float]] = {}
    tick = 1000 / os.sysconf("SC_CLK_TCK")
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            said = file.read_text().rpartition(")")[2].split()
            parents[int(file.parent.name)] = int(said[1]), (int(said[11]) + int(said[12])) * tick
    if server not in parents:
        return math.nan
    found, level = 0.0, {server}
    while level:
        found += sum(parents[one][1] for one in level)
        level = {one for one, (parent, _spent) in parents.items() if parent in level}
    return found


def _entries_told(client: httpx.Client) -> str:
    """Ask the API how many entries of the log the assessment counts."""
    return str(client.get("/api/v1/assessment").raise_for_status().json()["entries"])


def _entry_shown(client: httpx.Client) -> str:
    """Ask the page of the readiness of how many entries of the log it says it is."""
    page = client.get("/readiness").raise_for_status().text
    found = re.search(r'class="entries">([^<]*)<', page)
    return found[1] if found else sys.exit("the readiness does not say of which entry it is")


def _one_more_piece(client: httpx.Client, server: int, pem: bytes, address: str, seen: Callable[[httpx.Client], str]) -> None:
    """Send pieces as a browser would, one by one, and wait until the readiness has counted each."""
    took, before, spent = [], seen(client), _cpu(server)
    for number in range(_PIECES):
        envelope = _envelope(client, pem, number)
        headers = {
            "X-CSRFToken": client.cookies.get("csrftoken") or "",
            "Referer": str(client.base_url),
            "Content-Type": "application/x-ndjson",
        }
        begun = time.perf_counter()
        answer = client.post("/api/v1/evidence:batch", content=envelope, headers=headers).raise_for_status().json()
        if answer["accepted"] != 1:
            sys.exit(f"the piece was not accepted: {answer}")
        while (now := seen(client)) == before and time.perf_counter() - begun < 60:  # noqa: PLR2004 - a minute
            time.sleep(0.005)
        took.append((time.perf_counter() - begun) * 1000)
        before = now
    each = (_cpu(server) - spent) / _PIECES
    said = f"p50 {statistics.median(took):.0f} ms, p95 {_p95(took):.0f} ms, first {took[0]:.0f} ms, CPU {each:.0f} ms"
    print(f"one more piece, sent and counted in {address}: {said}", flush=True)


def _envelope(client: httpx.Client, pem: bytes, number: int) -> bytes:
    from kybern.catalog import PredicateType  # noqa: PLC0415
    from kybern.evidence import PREDICATES, PrivateKey, Subject, parse_predicate, sign, statement  # noqa: PLC0415

    name = f"s{7 + number}"
    digest = client.get(f"/api/v1/records/ai_system/{name}").json()["digest"]
    said = {
        "topic": "validation-test",
        "observed_at": datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z"),
        "collector": {"name": "bench", "version": "1"},
        "suite": f"validation {time.time_ns()}",
        "passed": 10,
        "failed": number % 2,
    }
    piece = statement(parse_predicate(PREDICATES[PredicateType.TEST_RUN], said), [Subject(f"ai_system:{name}", digest)])
    return sign(piece, PrivateKey.from_pem(pem))


if __name__ == "__main__":
    main()
