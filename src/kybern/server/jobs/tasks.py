"""The tasks: what is done aside, by whichever process takes it."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task


@task(priority=10)
def publish_log() -> int | None:
    """Publish the log; gives how many entries the checkpoint covers, None where nothing was to be done."""
    from kybern.server.store.publish import publish

    return publish(timezone.now())


@task
def deliver(delivery: int, claim: int) -> str:
    """Send a message to its webhook; gives what became of it."""
    from kybern.server.jobs.delivery import deliver_claimed

    return deliver_claimed(delivery, claim, timezone.now())


@task(priority=-10)
def prune() -> dict[str, int]:
    """Delete what is kept for a while only; gives how many of each."""
    from kybern.server.jobs.pruning import prune_all

    return prune_all(timezone.now())
