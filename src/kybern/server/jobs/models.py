"""Tables of background work: who leads, who is told of events, and each message to them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kybern.server.access.models import Unit


class Lease(models.Model):
    """Who does what only one process may do, and until when, by the database's clock."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=120)
    until = models.DateTimeField()

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.name}: {self.holder}"


class Webhook(models.Model):
    """An address that is told of events in a unit and all below it."""

    uid = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    url = models.CharField(max_length=500)
    secret = models.BinaryField()
    """The secret of its signatures, sealed under the server's."""
    types = models.JSONField(default=list)
    unit = models.ForeignKey(Unit, models.CASCADE, related_name="webhooks")
    sensitive = models.BooleanField(default=False)
    """Whether it is told of records of sensitive kinds."""
    active = models.BooleanField(default=True)
    note = models.CharField(max_length=300, blank=True)
    """Why it was made inactive, where nobody did."""
    created_by = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    cursor = models.BigIntegerField(default=0)
    """The last event that was turned into a message, or that it need not know of."""
    failures = models.PositiveIntegerField(default=0)
    """How often in a row it did not answer as it should."""
    failing_since = models.DateTimeField(null=True, blank=True)
    hold_until = models.DateTimeField(null=True, blank=True)
    """Until then nothing is sent to it."""

    def __str__(self) -> str:
        """Give the name."""
        return self.name


class Delivery(models.Model):
    """A message to a webhook: what is sent, and what became of it."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event_id = models.CharField(max_length=60)
    """The event's id, and the message's: the same in every attempt."""
    type = models.CharField(max_length=60)
    payload = models.TextField()
    made_at = models.DateTimeField(db_index=True)
    since = models.DateTimeField()
    """From when on the days count after which it is given up."""
    next_at = models.DateTimeField(null=True, blank=True)
    """When it is to be sent; none where it is done with."""
    claim = models.PositiveIntegerField(default=0)
    """Which turn of sending this is: a task of an earlier turn does nothing any more."""
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    """The last answer's code; none where there was no answer."""
    note = models.CharField(max_length=300, blank=True)
    took = models.PositiveIntegerField(null=True, blank=True)
    """Milliseconds until the last answer."""

    class Meta:
        """A webhook is told of an event once; what is due comes by time."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["webhook", "event_id"], name="delivery_once")]
        indexes: ClassVar = [
            models.Index(fields=["webhook", "next_at", "id"], name="delivery_due"),
            models.Index(fields=["webhook", "-id"], name="delivery_latest"),
        ]

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.type} {self.event_id}"
