"""`kybern user`: who may sign in to the server, from the machine it runs on."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from kybern.cli._server_data import server_on
from kybern.cli._shared import near, refuse
from kybern.cli._up import DataOption

app = typer.Typer(name="user", help="Who may sign in to the server: list, add, give a new password.", no_args_is_help=True)

EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's address.")]
_PASSWORD_BYTES = 12


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app)


@app.command("list")
def list_users(data: DataOption = Path("kybern-data")) -> None:
    """List the users, with what is granted to them."""
    with server_on(data):
        from kybern.server.access.models import User  # noqa: PLC0415 - Django is set up first

        for user in User.objects.order_by("email").prefetch_related("grants__role", "grants__unit"):
            granted = ", ".join(f"{one.role.slug} in {one.unit.slug}" for one in user.grants.all()) or "nothing granted"
            typer.echo(f"{user.email}  {user.person}  {granted}{'' if user.is_active else '  (deactivated)'}")


@app.command()
def add(
    email: EmailArgument,
    role: Annotated[
        str, typer.Option("--role", metavar="ROLE", help="A role by its name: governance-lead, engineer, viewer, …")
    ] = "viewer",
    unit: Annotated[str, typer.Option("--unit", metavar="UNIT", help="Where; the whole organisation if none is named.")] = "",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The user's name.")] = "",
    data: DataOption = Path("kybern-data"),
) -> None:
    """Add a user with a role; the first password is told once."""
    with server_on(data):
        from kybern.server.access.models import FIRST_PASSWORD, Grant, Role, Unit, User  # noqa: PLC0415 - Django is set up first

        roles = {one.slug: one for one in Role.objects.all()}
        units = {one.slug: one for one in Unit.objects.all()}
        top = next(one for one in units.values() if one.parent_id is None)
        if role not in roles:
            refuse("unknown-role", f"There is no role {role}.", near(role, tuple(roles)))
        if unit and unit not in units:
            refuse("unknown-unit", f"There is no unit {unit}.", near(unit, tuple(units)))
        if "@" not in email:
            refuse("not-an-address", f"{email} is no e-mail address.", "Write it like anna@example.org.")
        if User.objects.filter(email=email.strip().lower()).exists():
            refuse("user-exists", f"There is a user {email} already.", "Give a new password with kybern user password.")
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        user = User.objects.create_user(email, None, name=name)
        user.set_first_password(password)
        Grant.objects.create(user=user, role=roles[role], unit=units.get(unit, top), granted_by="kybern user add")
        typer.echo(f"{user.email} is {roles[role].slug} in {units.get(unit, top).slug} and signs as {user.person}.")
        typer.echo(f"The first password is {password}")
        typer.echo(f"It signs in for {FIRST_PASSWORD.days} days: let them change it.")


@app.command()
def password(email: EmailArgument, data: DataOption = Path("kybern-data")) -> None:
    """Give a user a new password, told once; sessions of the old one end."""
    with server_on(data):
        from kybern.server.access.models import FIRST_PASSWORD, User  # noqa: PLC0415 - Django is set up first

        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            known = tuple(User.objects.values_list("email", flat=True))
            refuse("unknown-user", f"There is no user {email}.", near(email, known))
        fresh = secrets.token_urlsafe(_PASSWORD_BYTES)
        user.set_first_password(fresh)
        typer.echo(f"The new password of {user.email} is {fresh}")
        typer.echo(f"It signs in for {FIRST_PASSWORD.days} days: let them change it.")
