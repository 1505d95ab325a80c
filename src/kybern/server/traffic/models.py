"""What all processes know: answers that are kept for a day, so that a request is not done twice, and counts of wrong passwords."""

from __future__ import annotations

from django.db import models


class Answer(models.Model):
    """A request under an idempotency key, and its answer once there is one.

    `name` is the SHA-256 of who asked and their key, `request` that of what was asked. The answer may hold what is told once only, a
    token or a first password: it is sealed under the server's secret and the caller's key, which is not kept.
    """

    name = models.CharField(max_length=64, primary_key=True)
    request = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)
    sealed = models.BinaryField(null=True)

    def __str__(self) -> str:
        """Give the beginning of its name."""
        return self.name[:12]


class Shared(models.Model):
    """Something that all processes of the server know for a while (`traffic.shared`). `name` is the SHA-256 of what it is known by."""

    name = models.CharField(max_length=64, primary_key=True)
    value = models.JSONField(null=True)
    until = models.DateTimeField(null=True, db_index=True)
    """When it is known no more; null: it stays."""

    def __str__(self) -> str:
        """Give the beginning of its name."""
        return self.name[:12]
