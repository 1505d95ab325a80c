"""One leader among all processes: who holds a row of the database, for as long as they renew it."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from kybern.server.jobs.models import Lease


def hold(name: str, holder: str, seconds: float) -> bool:
    """Take or renew a lease for so long; tells whether it is the holder's now. Only the database's clock counts."""
    until = Now() + timedelta(seconds=seconds)
    if Lease.objects.filter(Q(holder=holder) | Q(until__lt=Now()), pk=name).update(holder=holder, until=until):
        return True
    if Lease.objects.filter(pk=name).exists():
        return False
    try:
        with transaction.atomic():
            Lease.objects.create(pk=name, holder=holder, until=until)
    except IntegrityError:
        return False  # another made the row a moment before
    return True


def let_go(name: str, holder: str) -> None:
    """Give a lease up, so that the next need not wait for its end."""
    Lease.objects.filter(pk=name, holder=holder).delete()
