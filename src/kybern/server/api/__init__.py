"""The API, `/api/v1`: everything the pages do, for programs. One router a file; errors are problem documents (RFC 9457)."""

from kybern.server.api._build import api

__all__ = ["api"]
