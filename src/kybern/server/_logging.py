"""Logs: one JSON object a line, or plain text for a terminal. Nothing that opens a door is ever in them.

What a request carries (query, body, cookies, headers) is not logged at all. What others put into a message is looked through for what
looks like a secret, and control characters are escaped, so that nobody who is logged can write a line of their own.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

REQUEST_ID: Final[ContextVar[str]] = ContextVar("kybern_request_id", default="")
"""The id of the request that is being answered."""

ACCESS: Final = "kybern.access"
FIELDS: Final = ("method", "route", "status", "duration_ms", "actor")
"""What an access line has beside what every line has."""

_SECRETS: Final = (
    (re.compile(r"kyb_[A-Za-z0-9_-]{6,}"), "kyb_[hidden]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}"), r"\1 [hidden]"),
    (re.compile(r"(?i)\b([a-z+]{2,20}://[^\s:/@]*):[^\s@/]+@"), r"\1:[hidden]@"),
    (
        re.compile(r"""(?i)\b(pass(?:word|wd|phrase)?\d?|secret|token|api[_-]?key|authorization|cookie|session(?:id)?|csrf\w*)(["']?\s*[=:]\s*)"""
                   r"""("[^"]*"|'[^']*'|[^\s,;&)}\]]+)"""),
        r"\1\2[hidden]",
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), "[hidden key]"),
    (re.compile(r"(/[^\s?\"']*)\?[^\s\"']+"), r"\1?[hidden]"),
)  # fmt: skip
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST: Final = 20_000


def clean(text: str) -> str:
    """Take out of a text what looks like a secret."""
    text = text[:_LONGEST]
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def one_line(text: str) -> str:
    """Escape what could begin another line or drive a terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}" if ord(found[0]) < 0x100 else f"\\u{ord(found[0]):04x}", text)  # noqa: PLR2004 - one byte


class _Line(logging.Formatter):
    """What both forms have."""

    def said(self, record: logging.LogRecord) -> tuple[str, str]:
        """Give the message and the traceback, cleaned."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)  # a message whose arguments do not fit it is told all the same
        trace = self.formatException(record.exc_info) if record.exc_info and not getattr(record, "known_failure", False) else ""
        return clean(message), clean(trace)


class JsonLine(_Line):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Write it."""
        message, trace = self.said(record)
        found: dict[str, Any] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            "request_id": str(getattr(record, "request_id", "") or REQUEST_ID.get()),
        }
        found |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if trace:
            found["exception"] = trace
        return json.dumps(found, ensure_ascii=True, default=str)


class TextLine(_Line):
    """A record as a line for people; a traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Write it."""
        message, trace = self.said(record)
        more = " ".join(f"{name}={one_line(str(getattr(record, name)))}" for name in FIELDS[3:] if hasattr(record, name))
        request = str(getattr(record, "request_id", "") or REQUEST_ID.get())
        line = f"{_moment(record)} {record.levelname:<7} {record.name}: {one_line(message)}"
        line += (f"  {more}" if more else "") + (f"  [{one_line(request)}]" if request else "")
        return line + "".join(f"\n    {one_line(part)}" for part in trace.splitlines())


class KnownFailures(logging.Filter):
    """Marks what a database or disk that fails leaves in the log, so that it is one line and not a traceback for each request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything through."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is not None:
            from kybern.server.failures import failure_of

            failure = failure_of(error)
            if failure is not None:
                record.known_failure = True
                record.msg, record.args = f"{failure.slug}: {type(error).__name__}: {str(error).strip()}", ()
        return True


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def form_of(said: str) -> str:
    """Give the form of the lines: as it was said, else text where a person looks on and JSON elsewhere."""
    return said or ("text" if sys.stdout is not None and sys.stdout.isatty() else "json")


def log_config(form: str, level: str, stream: str = "ext://sys.stderr") -> dict[str, Any]:
    """Give the set-up of logging, for Django and for granian alike."""
    quiet = {"level": "WARNING", "propagate": True, "handlers": []}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"known-failures": {"()": KnownFailures}},
        "formatters": {"line": {"()": TextLine if form == "text" else JsonLine}},
        "handlers": {"out": {"class": "logging.StreamHandler", "stream": stream, "formatter": "line", "filters": ["known-failures"]}},
        "root": {"level": level, "handlers": ["out"]},
        "loggers": {
            # What these say of each request, the access line says in one.
            "django.request": {"level": "ERROR", "propagate": True, "handlers": []},
            "django.server": quiet,
            "httpx": quiet,
            "httpcore": quiet,
            "_granian": {"level": level, "propagate": True, "handlers": []},
            "granian.access": {"level": "WARNING", "propagate": True, "handlers": []},
        },
    }
