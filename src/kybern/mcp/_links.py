"""Addresses of the pages that show what an answer is about, so that a person can look for themselves."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode


@dataclass(frozen=True)
class Links:
    """The pages of a server, by its address."""

    site: str

    def readiness(self, framework: str | None = None, subject: str | None = None) -> str:
        """Show a framework's readiness, or that of all."""
        return self._to("readiness" if framework is None else f"readiness/{quote(framework, safe='')}", subject=subject)

    def requirement(self, ref: str, subject: str | None = None) -> str:
        """Show a requirement with its reasons."""
        return self._to(f"requirements/{quote(ref, safe=':')}", subject=subject)

    def control(self, identity: str) -> str:
        """Show a control of the library."""
        return self._to(f"controls/{quote(identity, safe='')}")

    def record(self, ref: str) -> str:
        """Show a record."""
        kind, _, identity = ref.partition(":")
        return self._to(f"records/{quote(kind, safe='')}/{quote(identity, safe='')}")

    def records(self, kind: str | None = None, text: str | None = None) -> str:
        """List a kind's records, or the kinds."""
        return self._to("records/" if kind is None else f"records/{quote(kind, safe='')}/", q=text if kind else None)

    def piece(self, identity: str) -> str:
        """Show a piece of evidence."""
        return self._to(f"evidence/{quote(identity, safe='')}")

    def evidence(self, subject: str) -> str:
        """List the evidence about a record."""
        return self._to("evidence", subject=subject)

    def obligations(self, subject: str | None) -> str:
        """Show what binds an AI system, or the days of the organisation."""
        return self._to("calendar") if subject is None or not self._is_system(subject) else self._system(subject, tab="law")

    def decision(self, system: str | None, action: str) -> str:
        """Show an AI system at its gate, or the rules."""
        return self._to("rules") if system is None or not self._is_system(system) else self._system(system, tab="gates", gate=action)

    @staticmethod
    def _is_system(ref: str) -> bool:
        return ref.startswith("ai_system:")

    def _system(self, ref: str, **query: str) -> str:
        return self._to(f"systems/{quote(ref.removeprefix('ai_system:'), safe='')}", **query)

    def _to(self, path: str, **query: str | None) -> str:
        said = urlencode({name: value for name, value in query.items() if value})
        return f"{self.site.rstrip('/')}/{path}{'?' if said else ''}{said}"
