"""The tools that write. They are there only where the operator said so, and the token may write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from kybern.client import ABSENT, ANY
from kybern.mcp._plain import is_cut
from kybern.mcp._read import Ref
from kybern.mcp._said import WrittenSaid

if TYPE_CHECKING:
    from kybern.client import AsyncKybern, Written
    from kybern.mcp._links import Links

Reason = Annotated[
    str, Field(description="Why, in one sentence: it is signed into the log beside the change.", min_length=3, max_length=500)
]
MOST = 100_000
"""Characters of JSON that one record may have."""


class Unwritable(ValueError):  # noqa: N818 - it is an answer
    """What is to be written was cut, is too much, or names no version."""


class Writing:
    """The tools that write, over one client."""

    def __init__(self, client: AsyncKybern, links: Links) -> None:
        """Take the client, and where the pages are."""
        self._client, self._links = client, links

    async def put_record(
        self,
        ref: Ref,
        content: Annotated[
            dict[str, Any],
            Field(description="The fields to set, as the kind's schema has them; null takes a field away, a field not named stays."),
        ],
        reason: Reason,
        if_match: Annotated[
            str | None, Field(description="The digest that get_record told, to change a record; left out for a new one.", max_length=64)
        ] = None,
    ) -> WrittenSaid:
        """Write a record: change fields of one that was read, or make a new one. Ask the person first and show them what changes."""
        if is_cut(content):
            detail = (
                "The content holds a text that the MCP server had cut: written back, the rest of it would be lost. Leave that field out."
            )
            raise Unwritable(detail)
        if len(json.dumps(content)) > MOST:
            detail = f"The content has more than {MOST} characters."
            raise Unwritable(detail)
        if if_match is None:
            return self._said(await self._client.put_record(ref, content, if_match=ABSENT, reason=reason))
        return self._said(await self._client.patch_record(ref, content, if_match=_named(if_match), reason=reason))

    async def remove_record(
        self, ref: Ref, if_match: Annotated[str, Field(description="The digest that get_record told.", max_length=64)], reason: Reason
    ) -> WrittenSaid:
        """Remove a record; its versions stay in the log. Ask the person first."""
        return self._said(await self._client.delete_record(ref, if_match=_named(if_match), reason=reason))

    def _said(self, written: Written) -> WrittenSaid:
        link = self._links.record(written.ref)
        return WrittenSaid(link=link, ref=written.ref, act=written.act, digest=written.digest, entry=written.entry)


def _named(if_match: str) -> str:
    """Refuse to write over whatever version stands: an assistant writes what it has read."""
    if if_match.strip() == ANY:
        detail = "if_match names the version that was read, by its digest."
        raise Unwritable(detail)
    return if_match
