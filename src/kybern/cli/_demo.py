"""`kybern demo`: attacks on the log to watch, each in a copy."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kybern.cli._key import PassphraseOption, private_key
from kybern.cli._shared import now, open_root, print_json, refuse

if TYPE_CHECKING:
    from kybern.cli._demo_attacks import Told
    from kybern.evidence.log import Signer

app = typer.Typer(name="demo", help="See what happens to whoever tampers with the log: attacks in a copy, and who notices.")

Attack = Literal["rewrite", "truncate", "fork", "backdate", "omit", "steal-key"]


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="demo")


@app.callback(invoke_without_command=True)
def demo(context: typer.Context) -> None:
    """List the attacks."""
    if context.invoked_subcommand is not None:
        return
    from kybern.cli._demo_attacks import ATTACKS  # noqa: PLC0415 - see the docstring of `_shared`

    for name, attack in ATTACKS.items():
        typer.echo(f"kybern demo attack {name:<10} {(attack.__doc__ or '').splitlines()[0]}")


@app.command()
def attack(
    name: Annotated[Attack, typer.Argument(metavar="ATTACK", help="rewrite, truncate, fork, backdate, omit or steal-key.")],
    directory: Annotated[
        Path | None,
        typer.Option("-C", "--directory", metavar="DIR", help="Attack a copy of this workspace's log. Default: a small one made for it."),
    ] = None,
    passphrase_env: PassphraseOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Carry an attack out in a copy, with the operator's power over disk and key, and ask everybody whether they notice.

    Exit 0 if those notice whom the threat model names, and nobody else.
    """
    from kybern.cli._demo_attacks import ATTACKS  # noqa: PLC0415
    from kybern.cli._demo_scene import Scene  # noqa: PLC0415
    from kybern.cli._log import in_words  # noqa: PLC0415

    signer, given = _given(directory, passphrase_env)
    with tempfile.TemporaryDirectory(prefix="kybern-demo-") as folder, in_words():
        scene = Scene.build(Path(folder), signer, now(), given)
        told = ATTACKS[name](scene)
        scene.close()
    if as_json:
        looks = [vars(look) | {"as_said": look.as_said} for look in told.looks]
        print_json({"attack": name, "did": told.did, "as_said": told.as_said, "looks": looks})
    else:
        _tell(name, told)
    if not told.as_said:
        raise typer.Exit(1)


def _given(directory: Path | None, passphrase_env: str | None) -> tuple[Signer, tuple[Path, Path] | None]:
    """Find the log to copy and the key that signs for it; or a new key, and no log."""
    from kybern.cli._log import JOURNAL, LOG_FOLDER, PRIVATE_KEY, log_of  # noqa: PLC0415
    from kybern.evidence import PrivateKey  # noqa: PLC0415
    from kybern.evidence.log import Signer  # noqa: PLC0415

    if directory is None:
        return Signer("demo.example/log", PrivateKey.generate()), None
    root = open_root(directory)
    log = log_of(root)
    log.journal.close()
    signer = Signer(log.verifier.name, private_key(root / PRIVATE_KEY, passphrase_env))
    if signer.verifier != log.verifier:
        refuse("wrong-key", f"{PRIVATE_KEY} is not the key of this log.")
    return signer, (root / LOG_FOLDER, root / JOURNAL)


def _tell(name: str, told: Told) -> None:
    typer.echo(f"{name}: {told.did}\n")
    for noticed in (True, False):
        looks = [look for look in told.looks if look.noticed is noticed]
        if looks:
            typer.echo("Who notices:" if noticed else "\nWho does not:")
        for look in looks:
            typer.echo(f"  {look.who}: {look.how.rstrip('.')}")
            typer.echo(f"      {look.command}{'' if look.as_said else '   <- NOT what the threat model says'}")
    verdict = "As the threat model says" if told.as_said else "Not as the threat model says"
    typer.echo(f"\n{verdict}: docs/handbook/threat-model.md. All of it happened in a copy that is gone now.")
