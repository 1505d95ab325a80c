"""Tables of the pages: uploads that wait between the steps of an import."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Upload(models.Model):
    """What somebody uploaded to import, bounded when it came; it is deleted after a day, and its data when it is applied."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True, db_index=True)
    data = models.BinaryField()
    """The files by their names, as CBOR."""
    names = models.JSONField(default=list)
    kind = models.CharField(max_length=60, blank=True)
    """The kind of record that the rows of a table are."""
    mapping = models.JSONField(null=True, blank=True)
    """Which field each column of a table is, by its number."""
    expected = models.JSONField(default=dict)
    """The digest of each record as the dry run saw it."""
    result = models.JSONField(null=True, blank=True)
    """What became of it; then there is no data any more."""

    def __str__(self) -> str:
        """Name the files."""
        return ", ".join(self.names[:3])
