"""`kybern init`: a first AI management system, from flags or from a short interview."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli._shared import fail, now, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kybern.workspace import Profile

_SYSTEM = "AI system"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="The folder of the new workspace; made if it is not there.")] = Path(),
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="ID", help="developer, enterprise-user, public-sector, critical-sector, sme or integrator."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="The organisation's name.")] = None,
    legal_name: Annotated[str | None, typer.Option("--legal-name", help="Its name in the register. Default: the name.")] = None,
    sector: Annotated[str | None, typer.Option("--sector", help="Its field of work.")] = None,
    country: Annotated[str | None, typer.Option("--country", metavar="CODE", help="Where it is seated, ISO 3166: DE, US-CA.")] = None,
    employees: Annotated[int | None, typer.Option("--employees", min=0, help="How many people it employs.")] = None,
    lead: Annotated[str | None, typer.Option("--lead", metavar="NAME", help="Who leads the AI management system.")] = None,
    lead_email: Annotated[str | None, typer.Option("--lead-email", metavar="ADDRESS", help="Their e-mail address.")] = None,
    top_manager: Annotated[str | None, typer.Option("--top-manager", metavar="NAME", help="Who answers for it in top management.")] = None,
    system_name: Annotated[str | None, typer.Option("--system-name", help="The first AI system.", rich_help_panel=_SYSTEM)] = None,
    system_purpose: Annotated[str | None, typer.Option("--system-purpose", help="What it is for.", rich_help_panel=_SYSTEM)] = None,
    system_role: Annotated[
        str | None,
        typer.Option("--system-role", help="What you are to it: developer, provider, deployer, user, …", rich_help_panel=_SYSTEM),
    ] = None,
    system_stage: Annotated[
        str | None, typer.Option("--system-stage", help="concept, design, development, …, operation.", rich_help_panel=_SYSTEM)
    ] = None,
    autonomy: Annotated[
        str | None, typer.Option("--autonomy", help="advises, proposes, acts-with-approval, …", rich_help_panel=_SYSTEM)
    ] = None,
    users: Annotated[
        list[str] | None, typer.Option("--user", metavar="WHO", help="Who uses it. Repeatable.", rich_help_panel=_SYSTEM)
    ] = None,
    personal_data: Annotated[
        bool | None, typer.Option("--personal-data/--no-personal-data", help="Whether it uses personal data.", rich_help_panel=_SYSTEM)
    ] = None,
    supplier: Annotated[str | None, typer.Option("--supplier", metavar="NAME", help="Its supplier.", rich_help_panel=_SYSTEM)] = None,
    supplier_country: Annotated[
        str | None, typer.Option("--supplier-country", metavar="CODE", help="The supplier's country.", rich_help_panel=_SYSTEM)
    ] = None,
    assessor: Annotated[
        str | None,
        typer.Option("--assessor", metavar="NAME", help="Who assesses the first risks today; without it none are written."),
    ] = None,
    frameworks: Annotated[
        list[str] | None, typer.Option("--framework", metavar="ID", help="Assess against it. Repeatable. Default: ISO42001, NIST_AI_RMF.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take the default of every answer that is not given.")] = False,
) -> None:
    """Scaffold a first AI management system: records, drafts of documents, a plan for the first month.

    What is not given as an option is asked. Nothing that is there is overwritten.
    """
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.workspace import load_profile, read_answers, scaffold, write_scaffold  # noqa: PLC0415

    given: dict[str, Any] = {
        "name": name, "legal_name": legal_name, "sector": sector, "country": country, "employees": employees, "lead": lead,
        "lead_email": lead_email, "top_manager": top_manager, "system_name": system_name, "system_purpose": system_purpose,
        "system_role": system_role, "system_stage": system_stage, "autonomy": autonomy, "users": tuple(users) if users else None,
        "personal_data": personal_data, "supplier": supplier, "supplier_country": supplier_country, "assessor": assessor,
        "frameworks": tuple(frameworks) if frameworks else None,
    }  # fmt: skip
    asking = not yes and at_terminal()
    try:
        chosen = load_profile(profile or _profile(asking=asking, yes=yes, given=given))
        given = _interview(chosen, given, directory) if asking else _defaults(given, directory) if yes else given
        _check_complete(given)
        _check_frameworks(given["frameworks"])
        files = scaffold(chosen, read_answers(chosen, given), now().date())
        write_scaffold(directory, files)
    except InputError as error:
        fail(error)
    _tell(directory, files)


def at_terminal() -> bool:
    """Tell whether there is somebody to ask."""
    return sys.stdin.isatty()


def _profile(*, asking: bool, yes: bool, given: Mapping[str, Any]) -> str:
    """Let the profile be chosen from a numbered list; the default is the smallest organisation's."""
    from kybern.workspace import load_profile, profile_ids  # noqa: PLC0415

    if not asking:
        if not yes:
            _check_complete({"profile": None, **given})
        return "sme"
    ids = profile_ids()
    typer.echo("What kind of organisation is it?")
    for number, one in enumerate(map(load_profile, ids), 1):
        typer.echo(f"  {number}  {one.title}: {one.summary}")
    number = _ask("Number", ids.index("sme") + 1, lambda text: _one_of(text, tuple(map(str, range(1, len(ids) + 1)))))
    return ids[int(number) - 1]


_NEEDED = ("profile", "name", "country", "lead", "top_manager")


def _check_complete(given: Mapping[str, Any]) -> None:
    missing = [f"--{one.replace('_', '-')}" for one in _NEEDED if one in given and not given[one]]
    if missing:
        refuse(
            "missing-answer",
            f"Not given: {', '.join(missing)}.",
            "Give them, run this in a terminal to be asked, or take defaults with --yes.",
        )


def _check_frameworks(asked: tuple[str, ...] | None) -> None:
    from kybern.cli._shared import whole_catalog  # noqa: PLC0415

    known = tuple(whole_catalog().frameworks) if asked else ()
    for one in asked or ():
        if one not in known:
            refuse("unknown-framework", f"There is no framework {one}.", f"The frameworks are {', '.join(known)}.")


def _defaults(given: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Fill in what the interview would propose for the answers that must be there."""
    known = {key: value for key, value in given.items() if value is not None}
    lead = known.get("lead") or _whoami()
    return given | {"name": directory.resolve().name or "Our organisation", "country": "EU", "lead": lead, "top_manager": lead} | known


def _whoami() -> str:
    """Name the person at the keyboard, as the machine knows them."""
    import getpass  # noqa: PLC0415

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "AI lead"


def _interview(profile: Profile, given: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Ask for what was not given, in an order that needs no looking up at the start."""
    typer.echo("Answers in brackets are taken with Enter; everything can be changed later.\n")
    proposed, system, answers = _defaults(given, directory), profile.system, dict(given)

    def ask(key: str, question: str, default: Any, read: Callable[[str], Any] = str) -> None:
        if answers[key] is None:
            answers[key] = _ask(question, default, read) or None

    ask("name", "Name of the organisation", proposed["name"])
    ask("legal_name", "Its legal name", answers["name"])
    ask("sector", "Field of work", profile.sector)
    ask("country", "Country (ISO 3166: DE, US-CA; EU for the Union)", proposed["country"], _country)
    ask("employees", "Employees (0 to leave open)", "0", _count)
    ask("lead", "Who leads the AI management system", proposed["lead"])
    ask("lead_email", "Their e-mail (empty to leave open)", "", _email)
    ask("top_manager", "Who answers for it in top management", answers["lead"])
    ask("system_name", "Name of the first AI system", system.name)
    ask("system_purpose", "What it is for", system.purpose)
    ask("system_role", f"What you are to it ({', '.join(_choices('role'))})", system.role, _choice("role"))
    ask("system_stage", f"Where it stands ({', '.join(_choices('stage'))})", system.stage, _choice("stage"))
    ask("autonomy", f"How freely it acts ({', '.join(_choices('autonomy'))})", system.autonomy, _choice("autonomy"))
    ask("users", "Who uses it (several with commas)", ", ".join(system.users), _list)
    if answers["personal_data"] is None:
        answers["personal_data"] = typer.confirm("Does it use personal data", default=system.personal_data)
    if profile.asks_supplier:
        ask("supplier", "Who supplies the system or its model (empty to leave open)", "")
    if answers["supplier"]:
        ask("supplier_country", "The supplier's country", answers["country"], _country)
    ask("assessor", "Who assesses the first risks today (empty: nobody yet, none are written)", "")
    ask("frameworks", "Frameworks to be assessed against", "ISO42001, NIST_AI_RMF", _list)
    return answers


def _ask(question: str, default: Any, read: Callable[[str], Any]) -> Any:
    """Ask until the answer can be read; `read` raises `typer.BadParameter` with what would be right."""
    return typer.prompt(question, default=default, value_proc=lambda text: read(str(text).strip()), show_default=default != "")


def _choices(field: str) -> tuple[str, ...]:
    from typing import get_args  # noqa: PLC0415

    from kybern.records.lifecycle import AISystem  # noqa: PLC0415

    return get_args(AISystem.model_fields[field].annotation)


def _choice(field: str) -> Callable[[str], str]:
    return lambda text: _one_of(text, _choices(field))


def _one_of(text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        msg = f"{text!r} is none of {', '.join(choices)}."
        raise typer.BadParameter(msg)
    return text


def _country(text: str) -> str:
    import re  # noqa: PLC0415

    if not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", text.upper()):
        msg = "use ISO 3166: DE, or US-CA for a part; EU for the Union."
        raise typer.BadParameter(msg)
    return text.upper()


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 7:  # noqa: PLR2004 - nobody employs ten million
        msg = "use a whole number."
        raise typer.BadParameter(msg)
    return int(text)


def _email(text: str) -> str:
    if text and (text.count("@") != 1 or " " in text or text.startswith("@") or text.endswith("@")):
        msg = "write it like name@example.org."
        raise typer.BadParameter(msg)
    return text


def _list(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found:
        msg = "name at least one."
        raise typer.BadParameter(msg)
    return found


def _tell(directory: Path, files: Mapping[str, str]) -> None:
    """Say what was made, by kind, and what comes next."""
    from collections import Counter  # noqa: PLC0415

    from kybern.workspace import parse_records  # noqa: PLC0415

    counts = Counter(
        record.kind for name, text in files.items() if name.startswith("records/") for record in parse_records(text.encode(), name)
    )
    typer.echo(f"Made {len(files)} files with {counts.total()} records in {directory}:")
    for kind, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        typer.echo(f"  {count:>3}  {kind.replace('_', ' ')}")
    where = "" if directory == Path() else f" -C {_quoted(str(directory))}"
    typer.echo("\nNothing is approved or reviewed yet; that is yours to do. Next:")
    for command, why in (
        ("lint", "are the records right?"),
        ("gaps --limit 15", "the first month, in order"),
        ("assess", "where you stand"),
    ):
        typer.echo(f"  {f'kybern {command}{where}':<40}  {why}")


def _quoted(text: str) -> str:
    import shlex  # noqa: PLC0415

    return shlex.quote(text)
