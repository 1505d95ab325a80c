"""The limits of the service agent: every tool call is decided here before it is carried out, whatever the language model wants."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

REFUND_EACH = 50.0
REFUND_IN_30_DAYS = 100.0
LONGEST_DELAY_DAYS = 14
DATE_CHANGES_A_YEAR = 2
PAYING_HOURS = range(8, 22)


class Verdict(StrEnum):
    """What becomes of a call: carried out, put before a supervisor, or refused."""

    ALLOW = "allow"
    ASK = "ask"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that the agent wants: on which member, how much or how many days, and where a document would go."""

    tool: str
    member: int
    amount: float = 0.0
    days: int = 0
    recipient: str = ""


@dataclass(slots=True)
class Account:
    """What the agent's limits need to know of the member who is logged in."""

    member: int
    refunded_in_30_days: float = 0.0
    date_changes_this_year: int = 0


def decide(call: Call, account: Account, hour: int) -> Verdict:
    """Decide on a call in the session of `account` at local `hour`. Unknown tools are refused."""
    if call.member != account.member:
        return Verdict.REFUSE
    match call.tool:
        case "loan-lookup" | "send-document":
            return Verdict.ALLOW
        case "change-payment-date":
            return _date_change(call, account)
        case "refund-fee":
            return _refund(call, account, hour)
        case "change-bank-details":
            return Verdict.ASK
        case _:
            return Verdict.REFUSE


def _date_change(call: Call, account: Account) -> Verdict:
    short = 0 < call.days <= LONGEST_DELAY_DAYS
    return Verdict.ALLOW if short and account.date_changes_this_year < DATE_CHANGES_A_YEAR else Verdict.ASK


def _refund(call: Call, account: Account, hour: int) -> Verdict:
    if call.amount <= 0:
        return Verdict.REFUSE
    if hour not in PAYING_HOURS:
        return Verdict.ASK
    total = account.refunded_in_30_days + call.amount
    return Verdict.ALLOW if call.amount <= REFUND_EACH and total <= REFUND_IN_30_DAYS else Verdict.ASK
