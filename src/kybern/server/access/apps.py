"""The application of identity and access."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Identity and access."""

    name = "kybern.server.access"
    label = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        """Listen to people signing in."""
        from kybern.server.access import signals

        del signals
