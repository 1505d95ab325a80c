"""The addresses of SCIM."""

from __future__ import annotations

from typing import Final

from kybern.server.scim import _discovery, _groups, _users

ROUTES: Final = (*_discovery.ROUTES, *_users.ROUTES, *_groups.ROUTES)
