"""Time-stamping authorities (RFC 3161): whose time counts, with the certificate that each is pinned to."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Annotated, Final, Self

from cryptography import x509
from pydantic import Field, ValidationError, model_validator

from kybern.base import InputError, Place
from kybern.base.validation import problems_of
from kybern.base.yaml import DEFAULT_LIMITS, read_yaml
from kybern.catalog import Slug
from kybern.evidence._models import Shape

if TYPE_CHECKING:
    from pathlib import Path

AUTHORITIES_FILE: Final = "authorities.yaml"
"""Where a workspace keeps its time-stamping authorities, relative to its root."""

_HEAD: Final = (
    "# The time-stamping authorities whose time counts here. Whoever may change this file decides what time it was.\nauthorities:\n"
)
_MOST: Final = 16


class Authority(Shape):
    """An authority: its name here, its certificates in PEM form with the root among them, and where it is asked."""

    name: Annotated[Slug, Field(max_length=40)]
    certificate: Annotated[str, Field(max_length=40_000)]
    url: Annotated[str, Field(pattern=r"^https?://[!-~]+$", max_length=500)] | None = None

    @model_validator(mode="after")
    def _has_a_root(self) -> Self:
        if not self.roots:
            msg = "no certificate in it is a root (issued by itself): pin the authority's root certificate"
            raise ValueError(msg)
        return self

    @property
    def certificates(self) -> list[x509.Certificate]:
        """The pinned certificates; `ValueError` if they cannot be read."""
        try:
            return x509.load_pem_x509_certificates(self.certificate.encode())
        except ValueError:
            msg = "certificate is not a list of certificates in PEM form"
            raise ValueError(msg) from None

    @property
    def roots(self) -> list[x509.Certificate]:
        """Those that are issued by themselves."""
        return [one for one in self.certificates if one.issuer == one.subject]


class _AuthorityFile(Shape):
    authorities: Annotated[tuple[Authority, ...], Field(max_length=_MOST)]


def parse_authorities(data: bytes, file: str = AUTHORITIES_FILE) -> tuple[Authority, ...]:
    """Read a file of authorities; `InputError` with every problem and its place."""
    documents = read_yaml(data, file)
    if len(documents) > 1:
        raise InputError.one(rule="too-many-documents", message="A file of authorities is one document.", place=documents[1].place())
    try:
        found = _AuthorityFile.model_validate(documents[0].value).authorities
    except ValidationError as error:
        raise InputError(problems_of(error, documents[0], model=_AuthorityFile)) from None
    names = [one.name for one in found]
    if len(set(names)) != len(names):
        raise InputError.one(rule="authority-twice", message="Two authorities have one name.", place=Place(file))
    return found


def read_authorities(root: Path) -> tuple[Authority, ...]:
    """Read the authorities of the workspace in `root`; none if there is no file. `InputError` for a link or what cannot be read."""
    path = root / AUTHORITIES_FILE
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > DEFAULT_LIMITS.max_bytes:
            raise InputError.one(rule="not-a-file", message="It is no ordinary file, or too large.", place=Place(AUTHORITIES_FILE))
        return parse_authorities(path.read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InputError.one(rule="unreadable", message=f"It cannot be read: {error.strerror}.", place=Place(AUTHORITIES_FILE)) from None


def with_authority(data: bytes, authority: Authority, file: str = AUTHORITIES_FILE) -> bytes:
    """Add an authority at the end of a file's text; an empty text becomes a new file.

    Raises `InputError` if the text is no such file, has the name already, or is laid out so that lines cannot be put in.
    """
    before = parse_authorities(data, file) if data.strip() else ()
    lines = [f"  - name: {authority.name}"] + ([f"    url: {json.dumps(authority.url)}"] if authority.url else [])
    lines += ["    certificate: |", *(f"      {line}" for line in authority.certificate.split("\n") if line.strip())]
    changed = "\n".join([(data.decode() if data.strip() else _HEAD).rstrip(), *lines, ""]).encode()
    try:
        after = parse_authorities(changed, file)
    except InputError as error:
        if any(problem.rule == "authority-twice" for problem in error.problems):
            raise
        after = ()
    if [one.name for one in after] != [*(one.name for one in before), authority.name]:
        message = "The file is laid out so that Kybern cannot put lines into it."
        raise InputError.one(rule="authority-file-layout", message=message, place=Place(file), hint="Write each authority after `  - `.")
    return changed
