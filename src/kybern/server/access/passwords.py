"""What a password may be, beside what Django's own validators ask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from kybern.server.access.models import User

LONGEST: Final = 128


class ShortestLength(MinimumLengthValidator):
    """Counts several blanks as one: they are typed without a thought."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise `ValidationError` for what is shorter."""
        super().validate(re.sub(r" {2,}", " ", password), user)


class LongestLength:
    """Takes passwords of up to 128 characters: none is cut, and none is work for the server by its length."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise `ValidationError` for what is longer."""
        del user
        if len(password) > LONGEST:
            raise ValidationError(self.get_help_text())

    def get_help_text(self) -> str:
        """Say what is asked."""
        return _("A password has at most %(most)s characters.") % {"most": LONGEST}
