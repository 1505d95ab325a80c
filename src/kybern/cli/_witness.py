"""`kybern witness`: be a witness of other people's logs. It needs no workspace, only a folder of its own."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kybern.cli._key import PassphraseOption, passphrase_of, write_private
from kybern.cli._shared import now, print_json, refuse
from kybern.cli._stop import stop_when_told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kybern.cli._witness_memory import WitnessMemory
    from kybern.evidence.log import WitnessSigner

app = typer.Typer(
    name="witness",
    help="Be a witness: cosign what other people's logs show, and only if it continues what they showed.",
    no_args_is_help=True,
)

FolderOption = Annotated[Path, typer.Option("--folder", metavar="DIR", help="The witness's folder: its keys and its memory.")]
_FOLDER = Path("witness")
_MEMORY = "memory.db"
_NAME = "name"
_KEYS = {"ed25519": "ed25519.pem", "ml-dsa-44": "ml-dsa-44.pem"}


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="witness")


@contextmanager
def _in_words() -> Iterator[None]:
    """Tell what the witness refuses, or the disk, and exit 2."""
    from kybern.evidence import Refused  # noqa: PLC0415 - see the docstring of `_shared`

    try:
        yield
    except Refused as refused:
        hint = "Make one: kybern witness init NAME." if refused.rule == "no-witness" else ""
        refuse(refused.rule, f"{refused.message[:1].upper()}{refused.message[1:]}.", hint)
    except OSError as error:
        refuse("unusable", f"{error.filename or 'It'} cannot be used: {error.strerror or error}.")


def _memory(folder: Path) -> WitnessMemory:
    from kybern.cli._witness_memory import WitnessMemory  # noqa: PLC0415

    with _in_words():
        return WitnessMemory(folder / _MEMORY)


def _signers(folder: Path, passphrase_env: str | None) -> list[WitnessSigner]:
    from kybern.evidence.log import WitnessSigner  # noqa: PLC0415

    with _in_words():
        name = (folder / _NAME).read_text(encoding="utf-8").strip()
        paths = [path for file in _KEYS.values() if (path := folder / file).exists()]
        found = [WitnessSigner.from_pem(name, path.read_bytes(), passphrase_of(passphrase_env)) for path in paths]
    if not found:
        refuse("no-key", f"{folder} holds no private key.", "Make a witness: kybern witness init NAME.")
    return found


@app.command()
def init(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The witness's name, unlike any other's: example.org/witness.")],
    algorithm: Annotated[
        Literal["ed25519", "ml-dsa-44", "both"],
        typer.Option("--algorithm", help="What it cosigns with. ML-DSA-44 outlives quantum computers."),
    ] = "both",
    passphrase_env: PassphraseOption = None,
    folder: FolderOption = _FOLDER,
) -> None:
    """Make a witness with keys of its own, and print the public ones."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey  # noqa: PLC0415

    from kybern.cli._witness_memory import WitnessMemory  # noqa: PLC0415
    from kybern.evidence.log import WitnessSigner  # noqa: PLC0415

    if (folder / _MEMORY).exists():
        refuse("witness-exists", f"There is a witness in {folder} already.")
    with _in_words():
        signers = {
            kind: WitnessSigner(name, Ed25519PrivateKey.generate() if kind == "ed25519" else MLDSA44PrivateKey.generate())
            for kind in (_KEYS if algorithm == "both" else (algorithm,))
        }
        for kind, signer in signers.items():
            write_private(folder / _KEYS[kind], signer.pem(passphrase_of(passphrase_env)))
        (folder / _NAME).write_text(f"{name}\n", encoding="utf-8")
        WitnessMemory.create(folder / _MEMORY)
    for signer in signers.values():
        typer.echo(str(signer.key))
    typer.echo(f"Give these keys to the logs, and to whoever verifies them. {folder} holds the private keys and the memory.", err=True)
    typer.echo("Never run a copy of it, and never restore an old memory under the same keys: it could sign two pasts.", err=True)


@app.command("add-log")
def add_log(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The log's verifier key, or a file with it (a log's `log/key`).")],
    folder: FolderOption = _FOLDER,
) -> None:
    """Know a log, so that its checkpoints are cosigned from now on."""
    from kybern.evidence.log import Verifier  # noqa: PLC0415

    memory = _memory(folder)
    with _in_words():
        text = key if "+" in key and not Path(key).exists() else Path(key).read_bytes()[:2000].decode("utf-8", "replace")
        verifier = Verifier.parse(text)
        fresh = memory.add(verifier)
    typer.echo(f"{verifier.name} {'is known now' if fresh else 'was known with this key'}")


@app.command()
def serve(
    host: Annotated[
        str, typer.Option("--host", help="Listen here; anything but loopback is open to the network, without TLS.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 7380,
    passphrase_env: PassphraseOption = None,
    folder: FolderOption = _FOLDER,
) -> None:
    """Answer logs that ask for cosignatures, until stopped."""
    from kybern.cli._witness_http import Server  # noqa: PLC0415
    from kybern.evidence.log import Witness  # noqa: PLC0415

    memory = _memory(folder)
    with _in_words():
        server = Server((host, port), Witness(_signers(folder, passphrase_env), memory), memory, lambda: int(now().timestamp()))
    typer.echo(f"http://{host}:{server.server_port} cosigns {len(memory.logs())} logs; stop with Ctrl-C")
    stop_when_told(server.shutdown)
    with server:
        server.serve_forever(poll_interval=0.1)
    typer.echo("stopped", err=True)


@app.command()
def status(
    folder: FolderOption = _FOLDER,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the notes that contradict each other here, two files each.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show which logs are known, what was cosigned last, and what contradicts it: exit 1 if a log may have signed two pasts."""
    from kybern.evidence.log import Kind  # noqa: PLC0415

    memory = _memory(folder)
    with _in_words():
        logs, kept = memory.logs(), memory.contradictions()
        latest = {origin: memory.latest(origin) for origin in logs}
        for number, one in enumerate(kept if out is not None else (), 1):
            _write_pair(out or folder, f"{number:03}-{one.found.kind}", one.found.held, one.found.shown)
    if as_json:
        last = {
            origin: None if seen is None else {"size": seen.size, "root": seen.root.hex(), "at": seen.at} for origin, seen in latest.items()
        }
        found = [{"log": one.origin, "size": one.size, "kind": one.found.kind.value} for one in kept]
        print_json({"logs": last, "contradictions": found})
    else:
        for origin, seen in latest.items():
            typer.echo(f"{origin}  {'nothing cosigned yet' if seen is None else f'{seen.size} entries, root {seen.root.hex()}'}")
        for one in kept:
            typer.echo(f"{one.found.kind}: {one.origin} showed {one.size} entries {_KIND_WORDS[one.found.kind.value]}; both notes are kept")
    if any(one.found.kind is not Kind.SMALLER for one in kept):
        raise typer.Exit(1)


_KIND_WORDS = {
    "fork": "with two roots, both signed: that is proof",
    "unproven": "and nobody has shown that they begin with what was cosigned: another past, or somebody sent a wrong proof",
    "smaller": "after more had been cosigned: entries were taken away, or it came late",
}


def _write_pair(folder: Path, name: str, held: bytes, shown: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}-cosigned").write_bytes(held)
    (folder / f"{name}-submitted").write_bytes(shown)


@app.command()
def show(
    origin: Annotated[str, typer.Argument(metavar="LOG", help="The log's name.")],
    folder: FolderOption = _FOLDER,
) -> None:
    """Write the last checkpoint that was cosigned of a log: for `kybern log audit --against`."""
    memory = _memory(folder)
    with _in_words():
        latest = memory.latest(origin)
    if latest is None:
        refuse("nothing-cosigned", f"Nothing of {origin!r} was cosigned here.", f"Known: {', '.join(memory.logs()) or 'no log'}.")
    typer.echo(latest.note, nl=False)
