"""The outbox: what happened, written in the transaction that made it happen."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Event(models.Model):
    """Something that happened. It names what it is about and says nothing personal: who may know more asks for it.

    Whoever writes one holds the log's head, so that a greater number is never seen before a smaller one.
    """

    id = models.BigAutoField(primary_key=True)
    type = models.CharField(max_length=60)
    subject = models.CharField(max_length=160, blank=True)
    """A record, `evidence:ID` or `key:KEYID`; empty where it is about many, or the whole."""
    unit = models.BigIntegerField()
    """The unit it happened in: that of the record, or the one that all of a batch of evidence is about, else the top."""
    sensitive = models.BooleanField(default=False)
    """Whether the record is of a kind whose reading needs a permission of its own."""
    entry = models.BigIntegerField(null=True)
    """The log's entry, where there is one; of several, the last."""
    at = models.DateTimeField(db_index=True)
    data = models.JSONField(default=dict)

    class Meta:
        """Readers go on by number, within a unit."""

        indexes: ClassVar = [models.Index(fields=["unit", "id"], name="event_by_unit")]

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.pk} {self.type} {self.subject}"
