"""Tables of the store: the log and what it names (the truth), and the projection that pages and API read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

_DIGEST = 64
_REF = 160


class LogHead(models.Model):
    """The one row that every append locks: how many entries there are, and when the last came in."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)
    records = models.BigIntegerField(default=0)
    """How many entries there are up to the last one of a record."""
    at = models.CharField(max_length=30, default="")
    sample = models.BooleanField(default=False)
    """Whether the log began with a sample, which may be taken away whole."""


class LogEntry(models.Model):
    """A leaf of the log."""

    idx = models.BigIntegerField(primary_key=True)
    leaf = models.BinaryField()


class LogPlace(models.Model):
    """Where a digest or a term stands in the log; by its first 64 bits, so what is found is held against the leaf."""

    key = models.BigIntegerField()
    idx = models.BigIntegerField()

    class Meta:
        """One index serves every look-up."""

        indexes: ClassVar = [models.Index(fields=["key", "idx"], name="log_place")]


class LogSource(models.Model):
    """The last number of a source."""

    name = models.CharField(max_length=120, primary_key=True)
    last = models.BigIntegerField()


class LogCheckpoint(models.Model):
    """A checkpoint that was signed."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    at = models.CharField(max_length=30)
    note = models.BinaryField()


class LogCosignature(models.Model):
    """A witness's line under a checkpoint."""

    name = models.CharField(max_length=200)
    key = models.BinaryField(max_length=4)
    size = models.BigIntegerField()
    line = models.BinaryField()

    class Meta:
        """A witness signs a checkpoint once."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["name", "key", "size"], name="cosigned_once")]


class Envelope(models.Model):
    """A signed piece of evidence as it came, by the SHA-256 of its bytes."""

    digest = models.CharField(max_length=_DIGEST, primary_key=True)
    data = models.BinaryField()


class ChangeSetRow(models.Model):
    """A change set with its contents as `kybern.evidence.applied` writes it, by the SHA-256 of its envelope."""

    name = models.CharField(max_length=_DIGEST, primary_key=True)
    data = models.BinaryField()


class TrustedKeyRow(models.Model):
    """An entry of the keyring."""

    keyid = models.CharField(max_length=_DIGEST, primary_key=True)
    name = models.CharField(max_length=120, unique=True)
    holder = models.CharField(max_length=120, db_index=True)
    kind = models.CharField(max_length=20)
    public_key = models.TextField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    revoked_on = models.DateTimeField(null=True, blank=True)
    revoked_because = models.CharField(max_length=2000, blank=True)


class HeldKey(models.Model):
    """A private key that the server holds for somebody, sealed under the server's secret: it signs what they do in the browser."""

    holder = models.CharField(max_length=120, primary_key=True)
    keyid = models.CharField(max_length=_DIGEST, unique=True)
    sealed = models.BinaryField()


class RecordRow(models.Model):
    """A record as it stands. `content` is what the log's last version of it says."""

    ref = models.CharField(max_length=_REF, primary_key=True)
    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    owner = models.CharField(max_length=_REF, blank=True)
    unit = models.BigIntegerField()
    digest = models.CharField(max_length=_DIGEST)
    version = models.PositiveIntegerField(default=1)
    """How many versions of it the log has."""
    entry = models.BigIntegerField()
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=120)
    content = models.JSONField()
    text = models.TextField()
    """What a search looks at, in lower case."""

    class Meta:
        """Lists of a kind come by title, by change or by reference; counts and owners come of the index alone.

        The unit has no index of its own: most records are of one unit, and where no statistics say so it would be chosen.
        """

        indexes: ClassVar = [
            models.Index(fields=["kind", "title", "ref"], name="record_by_title"),
            models.Index(fields=["kind", "changed_at", "ref"], name="record_by_change"),
            models.Index(fields=["kind", "ref", "unit"], name="record_by_place"),
            models.Index(fields=["kind", "owner", "unit"], name="record_by_owner"),
            models.Index(fields=["owner", "kind", "unit"], name="record_owned"),
        ]

    def __str__(self) -> str:
        """Give the record's name."""
        return self.ref


class RecordLink(models.Model):
    """A reference that a record makes, both ways to be asked."""

    source = models.CharField(max_length=_REF, db_index=True)
    target = models.CharField(max_length=_REF, db_index=True)
    edge = models.CharField(max_length=10)
    path = models.CharField(max_length=200)


class EvidenceRow(models.Model):
    """A verified piece of evidence, by the SHA-256 of its statement."""

    id = models.CharField(max_length=_DIGEST, primary_key=True)
    envelope = models.CharField(max_length=_DIGEST)
    entry = models.BigIntegerField(unique=True)
    """The entry of the log that has its latest envelope."""
    predicate = models.CharField(max_length=30)
    topic = models.CharField(max_length=120)
    observed_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    strength = models.PositiveSmallIntegerField()
    signers = models.JSONField()
    body = models.JSONField()
    received_at = models.DateTimeField()

    class Meta:
        """The browser lists by time, within a predicate or a topic."""

        indexes: ClassVar = [
            models.Index(fields=["-observed_at", "id"], name="evidence_by_time"),
            models.Index(fields=["predicate", "-observed_at", "id"], name="evidence_by_predicate"),
            models.Index(fields=["topic", "-observed_at", "id"], name="evidence_by_topic"),
        ]


class EvidenceSubject(models.Model):
    """What a piece of evidence is about: a record, in a version. The moment is repeated so that a record's pieces come by time."""

    evidence = models.CharField(max_length=_DIGEST, db_index=True)
    ref = models.CharField(max_length=_REF)
    digest = models.CharField(max_length=_DIGEST)
    observed_at = models.DateTimeField()

    class Meta:
        """A record's pieces, the latest first."""

        indexes: ClassVar = [models.Index(fields=["ref", "-observed_at", "evidence"], name="subject_by_time")]


class Setting(models.Model):
    """A setting of the server that people change in the pages, by name."""

    name = models.CharField(max_length=60, primary_key=True)
    value = models.JSONField()
