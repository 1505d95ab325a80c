"""A conversation with the service agent, small but real: disclosure, screen, intent by fixed rules, limits, log, stop.

The hosted language model is not part of the example. Its place is taken by rules that read a wish out of a message, so that what is
tested here is what stands around the model: the screen before it and the limits after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from limits import Account, Call, Verdict, decide
from screen import Screen

GREETING = "I am Meridian's assistant, a computer program. Write 'person' at any time to reach a person."
_DIFFICULTY = re.compile(r"\b(cannot pay|lost my job|ill\b|died|late father|debt|bereave)", re.IGNORECASE)
_PERSON = re.compile(r"\b(person|supervisor|complain)", re.IGNORECASE)
_MEMBER = re.compile(r"\bmember (\d+)", re.IGNORECASE)
_EURO = re.compile(r"(\d+(?:\.\d+)?) ?(?:euro|eur|€)|refund(?:-fee)? (\d+(?:\.\d+)?)", re.IGNORECASE)
_DAYS = re.compile(r"(\d+) days?", re.IGNORECASE)
_MAIL = re.compile(r"[\w.]+@[\w.]+\w")


@dataclass(slots=True)
class Turn:
    """What became of one message: `answered`, `handed-up`, `stopped`, or the verdict on the call it led to."""

    text: str
    outcome: str
    call: Call | None = None


@dataclass(slots=True)
class Session:
    """One member's conversation at a local hour."""

    account: Account
    screen: Screen
    hour: int = 10
    stopped: bool = False
    approvals: int = 0
    said: list[str] = field(default_factory=lambda: [GREETING])
    log: list[Turn] = field(default_factory=list)
    done: list[Call] = field(default_factory=list)

    def send(self, text: str) -> str:
        """Take a message and say what became of it; every turn is logged."""
        turn = self._turn(text)
        self.log.append(turn)
        return turn.outcome

    def approve(self) -> bool:
        """Approve, as a supervisor, the last call that was put before them."""
        waiting = self.log[-1] if self.log else None
        if self.stopped or waiting is None or waiting.call is None or waiting.outcome != Verdict.ASK:
            return False
        self.approvals += 1
        self._carry_out(waiting.call)
        return True

    def _turn(self, text: str) -> Turn:
        if self.stopped:
            return Turn(text, "stopped")
        if _PERSON.search(text) or _DIFFICULTY.search(text) or self.screen.flags(text):
            return Turn(text, "handed-up")
        call = wish(text, self.account.member)
        if call is None:
            return Turn(text, "answered")
        verdict = decide(call, self.account, self.hour)
        if verdict is Verdict.ALLOW:
            self._carry_out(call)
        return Turn(text, verdict.value, call)

    def _carry_out(self, call: Call) -> None:
        self.done.append(call)
        if call.tool == "refund-fee":
            self.account.refunded_in_30_days += call.amount
        elif call.tool == "change-payment-date":
            self.account.date_changes_this_year += 1


def wish(text: str, own: int) -> Call | None:
    """Read the tool call that a message asks for; None where it only asks a question."""
    lower = text.lower()
    named = _MEMBER.search(text)
    member = int(named.group(1)) if named else own
    mail = _MAIL.search(text)
    if "refund" in lower or "pay me back" in lower:
        return Call("refund-fee", member, amount=_number(_EURO, text))
    if "iban" in lower or "bank details" in lower:
        return Call("change-bank-details", member)
    if "move my payment" in lower or "payment date" in lower:
        return Call("change-payment-date", member, days=int(_number(_DAYS, text)))
    if "send" in lower:
        return Call("send-document", member, recipient=mail.group(0) if mail else "")
    return Call("loan-lookup", member) if "loan" in lower or "statement" in lower else None


def _number(pattern: re.Pattern[str], text: str) -> float:
    found = pattern.search(text)
    return float(next(part for part in found.groups() if part)) if found else 0.0
