"""`kybern label`: the Kybern readiness statement: criteria, approval, issue, verification, revocation, badge and page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli import _label_check
from kybern.cli._evidence_add import file_piece
from kybern.cli._key import PassphraseOption, keyring_of, signing_key
from kybern.cli._label_check import FALLS_SHORT, FileArgument
from kybern.cli._label_stand import Stand, criteria_of, framework_of, json_text, log_holds, size_of, stand_of, write
from kybern.cli._log import content, count_words, in_words
from kybern.cli._shared import AsOfOption, WorkspaceOption, now, open_root, open_workspace, parse_as_of, refuse

if TYPE_CHECKING:
    from datetime import datetime

    from kybern.evidence import PrivateKey
    from kybern.report.label import Criteria, Issuer, StatusList

app = typer.Typer(
    name="label",
    help="The Kybern readiness statement: what evidence showed, signed, revocable, recomputed by its reader.",
    no_args_is_help=True,
)

FOLDER = Path("labels")
"""Where statements, drafts and the status list lie, relative to the workspace."""

STATUS = "status.json"
ISSUER = "issuer.json"

FrameworkArgument = Annotated[str, typer.Option("--framework", metavar="ID", help="The framework it is about, as ISO42001.")]
CriteriaOption = Annotated[
    Path | None, typer.Option("--criteria", metavar="FILE", help="Criteria of the organisation's own, in YAML. Default: Kybern's.")
]


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="label")


def _criteria(path: Path | None) -> Criteria:
    from kybern.report.label import Criteria  # noqa: PLC0415

    if path is None:
        return Criteria()
    with in_words():
        return Criteria.from_yaml(content(path), str(path))


def _draft_path(root: Path, framework: str) -> Path:
    return root / FOLDER / f"draft-{framework.lower()}.json"


@app.command()
def draft(
    framework: FrameworkArgument,
    criteria: CriteriaOption = None,
    as_of: AsOfOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Write what would be stated, for the accountable role to read and approve. Exits 1 if a criterion is not met."""
    from kybern.report.label import claim_digest, shortfalls  # noqa: PLC0415

    asked = _criteria(criteria)
    found = stand_of(directory, parse_as_of(as_of))
    stated = found.claim(framework_of(found.assessment, framework), asked)
    path = _draft_path(found.workspace.root, framework)
    write(path, json_text(stated))
    typer.echo(f"{path.relative_to(found.workspace.root)}  {claim_digest(stated)}")
    if found.unlogged:
        are = count_words(found.unlogged, "piece of evidence is", "pieces of evidence are")
        typer.echo(f"{are} not in the published log and not counted: kybern log sync.", err=True)
    missing = shortfalls(asked, found.assessment, framework, log_holds=log_holds(found.workspace.root))
    for one in missing:
        typer.echo(f"not met: {one.text} [{one.criterion}]")
    if missing:
        raise typer.Exit(FALLS_SHORT)
    typer.echo(f"The criteria are met. To approve it: kybern label approve --framework {framework} --key NAME", err=True)


def _read_draft(root: Path, framework: str) -> dict[str, Any]:
    from kybern.evidence import read_json  # noqa: PLC0415

    path = _draft_path(root, framework)
    if not path.exists():
        refuse("no-draft", f"There is no draft on {framework}.", f"Make one: kybern label draft --framework {framework}")
    with in_words():
        value = read_json(content(path), "the draft")
    if not isinstance(value, dict) or not isinstance(value.get("log"), dict) or not isinstance(value.get("criteria"), dict):
        refuse("bad-draft", f"{path} is no draft of a statement.", f"Make it anew: kybern label draft --framework {framework}")
    return value


@app.command()
def approve(
    framework: FrameworkArgument,
    key: Annotated[str, typer.Option("--key", metavar="NAME", help="The key of the person who approves.")],
    reject: Annotated[bool, typer.Option("--reject", help="Reject it, or take an approval back.")] = False,
    passphrase_env: PassphraseOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Approve exactly the drafted statement with a person's key: files an approval as evidence."""
    from kybern import __version__  # noqa: PLC0415
    from kybern.evidence import Approval, Subject, parse_predicate  # noqa: PLC0415
    from kybern.report.label import TOPIC, claim_digest, subject_name  # noqa: PLC0415

    workspace = open_workspace(directory)
    root, keyring = workspace.root, keyring_of(workspace.root)
    stated, signer = _read_draft(root, framework), signing_key(root, key, passphrase_env)
    trusted, organization = keyring.get(signer.keyid), workspace.records.organization
    if trusted is None or organization is None:
        what = f"The keyring has no key {key}." if trusted is None else "The workspace does not state exactly one organisation."
        refuse("unknown-key" if trusted is None else "no-organization", what)
    body = {
        "topic": TOPIC,
        "observed_at": now().isoformat(),
        "collector": {"name": "kybern", "version": __version__},
        "by": trusted.holder,
        "decision": "rejected" if reject else "approved",
    }
    with in_words():
        predicate = parse_predicate(Approval, body)
    subjects = [Subject(organization.ref, organization.digest), Subject(subject_name(framework), claim_digest(stated))]
    file_piece(root, predicate, subjects, signer, keyring)


def _own_key(root: Path, name: str, passphrase_env: str | None) -> PrivateKey:
    """Open the key that signs statements: Ed25519 in a file, which both of their forms can use; exits 2 for any other."""
    from kybern.evidence import PrivateKey, Refused  # noqa: PLC0415

    key = signing_key(root, name, passphrase_env)
    try:
        fits = isinstance(key, PrivateKey) and bool(key.public_raw)
    except Refused:  # a key of another type
        fits = False
    if not isinstance(key, PrivateKey) or not fits:
        refuse("wrong-key-type", f"The key {name} cannot sign a readiness statement.", "It takes an Ed25519 key in a file: kybern key new.")
    return key


@app.command()
def issue(
    framework: FrameworkArgument,
    key: Annotated[str, typer.Option("--key", metavar="NAME", help="The key that signs the statement.")],
    issuer: Annotated[
        str | None, typer.Option("--issuer", metavar="URL", help="Who issues, as an https URL. Default: the key itself, as did:key.")
    ] = None,
    status_url: Annotated[
        str | None,
        typer.Option("--status-url", metavar="URL", help="Where you publish the status list. Default: a name without an address."),
    ] = None,
    passphrase_env: PassphraseOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Issue the drafted statement: criteria met, numbers unchanged, approved by the accountable role. Refuses with what is missing."""
    from kybern.report.label import Place, approval_of, as_jwt, badge, label_page  # noqa: PLC0415
    from kybern.report.label import issue as issued  # noqa: PLC0415

    root, at = open_root(directory), now()
    stated = _read_draft(root, framework)
    found = stand_of(directory, parse_as_of(str(stated.get("asOf"))), size_of(stated))
    asked = criteria_of(stated)
    missing, people = _missing(found, framework, asked, stated, at)
    approval = approval_of(_digest(stated), people, list(found.evidence), at)
    if missing or approval is None:
        for text in (*missing, *([] if approval is not None else [_no_approval(asked, people, framework)])):
            typer.echo(f"missing: {text}")
        raise typer.Exit(FALLS_SHORT)
    signer = _own_key(root, key, passphrase_env)
    trusted = keyring_of(root).get(signer.keyid)
    if trusted is None or trusted.standing(at) != "valid":
        refuse("unknown-key", f"The key {key} is not one that the keyring trusts now.", "Whoever reads the statement asks whose key it is.")
    with in_words():
        who = _issuer(signer, issuer)
        url = status_url or f"urn:kybern:status-list:{signer.keyid}"
        place = Place(url, _next_index(root, url, who))
        document = issued(stated, approval, (signer, who), place, at)
        jwt = as_jwt(document, signer, who)
    stem = f"{framework.lower()}-{stated['asOf'][:10]}-{place.index}"
    base = root / FOLDER / stem
    write(base.with_name(f"{stem}.json"), json_text(document))
    write(base.with_name(f"{stem}.jwt"), jwt + "\n")
    write(base.with_name(f"{stem}.svg"), badge(document) + "\n")
    write(base.with_name(f"{stem}.html"), label_page(document, jwt, found.assessment, stem=stem))
    write(root / FOLDER / ISSUER, json_text(who.document))
    if not (root / FOLDER / STATUS).exists():
        _write_status(root, url, (signer, who), (), at)
    _draft_path(root, framework).unlink(missing_ok=True)
    for suffix in (".json", ".jwt", ".svg", ".html"):
        typer.echo((FOLDER / f"{stem}{suffix}").as_posix())
    typer.echo(
        f"Publish it with {FOLDER / STATUS} (the list of revocations){f', and {FOLDER / ISSUER} at {who.id}' if issuer else ''}.", err=True
    )


def _digest(stated: Mapping[str, Any]) -> str:
    from kybern.report.label import claim_digest  # noqa: PLC0415

    return claim_digest(stated)


def _missing(found: Stand, framework: str, asked: Criteria, stated: Mapping[str, Any], at: datetime) -> tuple[list[str], tuple[str, ...]]:
    """List what keeps the draft from being issued, the approval left out; with the people who may approve."""
    from kybern.report.label import accountable, compared, ends, shortfalls  # noqa: PLC0415

    told = compared(stated, found.claim(framework_of(found.assessment, framework), asked))
    listed = [f"the draft is no longer what the workspace gives: {one}; draft it anew" for one in told[:3]]
    if not told and ends(stated) <= at:
        listed.append(f"a draft of a later moment: this one speaks of {stated['asOf']}, and a statement ends {asked.valid_days} days after")
    listed += [
        f"{one.text} [{one.criterion}]" for one in shortfalls(asked, found.assessment, framework, log_holds=log_holds(found.workspace.root))
    ]
    return listed, accountable(asked, found.assessment.records)[1]


def _no_approval(asked: Criteria, people: tuple[str, ...], framework: str) -> str:
    if not people:
        role = asked.approver or "the role that the organisation names as top_management"
        return f"an accountable person: nobody holds {role}"
    who = " or ".join(people)
    return f"an approval of exactly this statement by {who}: kybern label approve --framework {framework} --key NAME"


def _issuer(signer: PrivateKey, url: str | None) -> Issuer:
    from kybern.report.label import Issuer  # noqa: PLC0415

    return Issuer.of_key(signer.public_raw) if url is None else Issuer.at(url, signer.public_raw)


# The status list


def _statements_there(root: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Go through the statements that were issued here."""
    for path in sorted((root / FOLDER).glob("*.json")):
        try:
            value = json.loads(content(path))
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and isinstance(value.get("credentialStatus"), dict):
            yield path, value


def _next_index(root: Path, url: str, who: Issuer) -> int:
    """Give an index of the list that no statement here has and that is not revoked."""
    used = [
        int(one["credentialStatus"]["statusListIndex"])
        for _, one in _statements_there(root)
        if one["credentialStatus"].get("statusListCredential") == url and str(one["credentialStatus"].get("statusListIndex")).isdigit()
    ]
    return max(*used, _bits(root, url, who).last, -1) + 1


def _bits(root: Path, url: str, who: Issuer) -> StatusList:
    """Read the list of the workspace, which must be this issuer's under this URL; an empty one where there is none."""
    from kybern.evidence import Refused  # noqa: PLC0415
    from kybern.report.label import StatusList, bits_of, open_list  # noqa: PLC0415

    path = root / FOLDER / STATUS
    if not path.exists():
        return StatusList()
    listed = open_list(content(path), who)
    if listed.get("id") != url:
        raise Refused("bad-status", f"{FOLDER / STATUS} is the list {ascii(listed.get('id'))[:120]}, and another is asked for")
    return bits_of(listed)


def _write_status(root: Path, url: str, signer: tuple[PrivateKey, Issuer], revoked: tuple[int, ...], at: datetime) -> None:
    """Sign the list with more revocations; what was revoked stays so."""
    from kybern.report.label import status_credential  # noqa: PLC0415

    key, who = signer
    with in_words():
        bits = _bits(root, url, who)
        for index in revoked:
            bits = bits.with_set(index)
        write(root / FOLDER / STATUS, json_text(status_credential(bits, url, key, who, at)))


@app.command()
def revoke(
    file: FileArgument,
    key: Annotated[str, typer.Option("--key", metavar="NAME", help="The key that signed the statement.")],
    passphrase_env: PassphraseOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Revoke a statement: sets its bit and signs the status list anew. There is no way back."""
    from kybern.report.label import index_of, open_statement  # noqa: PLC0415

    root, at = open_root(directory), now().replace(microsecond=0)
    signer = _own_key(root, key, passphrase_env)
    with in_words():
        opened = open_statement(content(file), _local_issuer(root))
        if opened.issuer.public != signer.public_raw:
            refuse("wrong-key", f"The key {key} did not sign this statement.", "Its issuer alone can revoke it.")
        url = str(opened.document["credentialStatus"]["statusListCredential"])
        index = index_of(opened.document, {"id": url})
    _write_status(root, url, (signer, opened.issuer), (index,), at)
    typer.echo(f"{opened.document['id']}  revoked: entry {index} of {FOLDER / STATUS}, signed {at:%Y-%m-%dT%H:%M:%SZ}")
    typer.echo(f"Publish {FOLDER / STATUS} anew: who has the old list does not know yet.", err=True)


def _local_issuer(root: Path) -> Issuer | None:
    """Read the issuer's document of the workspace, where the issuer is a URL."""
    from kybern.report.label import Issuer  # noqa: PLC0415

    path = root / FOLDER / ISSUER
    if not path.exists() or b'"did:key:' in content(path):
        return None
    return Issuer.from_document(content(path))


_label_check.register(app)
