"""`kybern pack` and `kybern verify`: an assessment with all that a stranger needs to check it, and the check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._shared import AsOfOption, WorkspaceOption, assess_workspace, cache_folder, fail, near, print_json, refuse, write_whole

if TYPE_CHECKING:
    from kybern.cli._shared import Assessed
    from kybern.report.pack import Inputs, Rechecked

FALLS_SHORT = 1
_RECORDS_A_FILE = 500
_MAX_POLICY = 1 << 18


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(pack)
    app.command()(verify)


def pack(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write the pack to this file.")] = Path("audit.zip"),
    directory: WorkspaceOption = Path(),
    as_of: AsOfOption = None,
    framework: Annotated[
        list[str] | None, typer.Option("--framework", metavar="ID", help="Only this framework, as ISO42001; may be given again.")
    ] = None,
    without_records: Annotated[
        bool, typer.Option("--without-records", help="Leave out records and report; statuses can then not be recomputed from the pack.")
    ] = False,
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="The C2SP tlog-policy to put in. Default: log/policy, if it is there.")
    ] = None,
) -> None:
    """Write the auditor's pack: assessment, evidence, keys, proofs of the log, and a verifier without Kybern, network or account.

    The same records, evidence, log and moment give the same bytes. A pack that would not hold is not written.
    """
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.evidence import Refused  # noqa: PLC0415
    from kybern.report.pack import build  # noqa: PLC0415

    found = assess_workspace(directory, as_of)
    try:
        data = build(_inputs(found, _chosen(found, framework), policy, without_records=without_records))
    except InputError as error:
        fail(error, found.workspace.root)
    except Refused as refused:
        refuse(refused.rule, f"{refused.message[:1].upper()}{refused.message[1:]}.", "If a file changed meanwhile, try again.")
    except OSError as error:
        refuse("unreadable", f"{error.filename} cannot be read: {error.strerror}.")
    if not out.name or out.is_dir():
        refuse("unwritable", f"{out} is a folder.", "Name a file with --out.")
    write_whole(out, data, "Name another place with --out.")
    _tell(out, data)


def _chosen(found: Assessed, names: list[str] | None) -> tuple[str, ...]:
    """Choose the frameworks named, each once, or those of the workspace; exits 2 for one the catalog does not have."""
    known = tuple(found.assessment.catalog.frameworks)
    for name in names or ():
        if name not in known:
            refuse("unknown-framework", f"There is no framework {name}.", near(name, known))
    return tuple(dict.fromkeys(names)) if names else found.frameworks


def _inputs(found: Assessed, frameworks: tuple[str, ...], policy: Path | None, *, without_records: bool) -> Inputs:
    """Read the bytes that the assessment was computed from; `OSError` where a file is gone."""
    from kybern import __version__  # noqa: PLC0415
    from kybern.cli._log_sync import own_numbers  # noqa: PLC0415
    from kybern.cli._pack_log import from_log  # noqa: PLC0415
    from kybern.evidence import KEYS_FILE, VAULT, Vault, open_stored  # noqa: PLC0415
    from kybern.report.pack import Inputs  # noqa: PLC0415
    from kybern.workspace import SETTINGS_FILE  # noqa: PLC0415

    root = found.workspace.root
    keys, vault = root / KEYS_FILE, Vault(root / VAULT)
    envelopes = {piece.id: root / piece.source for piece in found.assessment.evidence}
    logged = from_log(found, policy, with_records=not without_records)
    return Inputs(
        assessment=found.assessment,
        refused=found.refused,
        frameworks=frameworks,
        keys=keys.read_bytes() if keys.exists() else None,
        envelopes={name: open_stored(path, path.read_bytes(), vault) for name, path in envelopes.items()},
        version=__version__,
        settings=(root / SETTINGS_FILE).read_bytes(),
        records=None if without_records else _records(found),
        log=found.log,
        erasures=logged.erasures,
        proofs=logged.proofs,
        numbers=own_numbers(root, found.assessment.as_of),
        catalogs=found.catalogs,
    )


def _records(found: Assessed) -> dict[str, bytes]:
    """Give the record files; where the records are those applied by an earlier moment, files that state just those, in JSON."""
    from kybern.workspace import list_records  # noqa: PLC0415

    root = found.workspace.root
    if not found.past:
        return {name: (root / name).read_bytes() for name in list_records(root)}
    contents = [record.content for record in found.workspace.records]
    parts = [contents[start : start + _RECORDS_A_FILE] for start in range(0, len(contents), _RECORDS_A_FILE)]
    return {f"records/applied-{number:04}.yaml": _yaml(part) for number, part in enumerate(parts)}


def _yaml(contents: list[dict[str, object]]) -> bytes:
    """Write contents in JSON that is YAML too: what is not printable, which no YAML may hold as it is, becomes an escape."""
    text = json.dumps(contents, ensure_ascii=False, indent=1) + "\n"
    return "".join(one if one == "\n" or one.isprintable() else f"\\U{ord(one):08x}" for one in text).encode()


def _tell(out: Path, data: bytes) -> None:
    from kybern.report.pack import verify as verifier  # noqa: PLC0415

    files = verifier.unzip(data)
    typer.echo(str(out))
    typer.echo(f"  id     {verifier.sha256(files[verifier.MANIFEST])}")
    typer.echo(f"  holds  {len(files)} files, {len(data):,} bytes")


def verify(
    file: Annotated[Path, typer.Argument(metavar="PACK", help="What `kybern pack` wrote, as the archive or the unpacked folder.")],
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", metavar="FILE", help="The log's checkpoint must be cosigned as this policy of yours asks: a C2SP tlog-policy."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of words, with every entry of the log.")] = False,
) -> None:
    """Check an auditor's pack without a network: files, signatures, keys, the log, and every status recomputed from what is in it.

    Says what held, what did not, and what no check of it can know. Exits 1 if something does not hold or could not be recomputed.
    """
    from kybern import __version__  # noqa: PLC0415
    from kybern.catalog import load_catalog  # noqa: PLC0415
    from kybern.cli._log import content  # noqa: PLC0415
    from kybern.report.pack import NoPack, read_pack, recheck, words  # noqa: PLC0415

    asked = None if policy is None else content(policy, _MAX_POLICY)
    try:
        found = recheck(read_pack(file), load_catalog(cache=cache_folder()), __version__, asked)
    except (NoPack, MemoryError) as error:
        refuse("bad-pack", f"{file} cannot be read as a pack: {error or 'it asks for too much memory'}.", "Give what `kybern pack` wrote.")
    if as_json:
        print_json(_json(found))
    else:
        typer.echo(words(found.findings), nl=False)
        if not found.recomputed:
            typer.echo("THE STATUSES WERE NOT RECOMPUTED.")
    if not found.holds:
        raise typer.Exit(FALLS_SHORT)


def _json(found: Rechecked) -> dict[str, object]:
    findings = found.findings
    return {
        "holds": found.holds,
        "recomputed": found.recomputed,
        "held": findings.held,
        "failed": findings.failed,
        "noted": findings.noted,
        "unknown": findings.unknown,
        "entries": findings.entries,
    }
