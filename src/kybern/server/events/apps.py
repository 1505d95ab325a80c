"""The application of events."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """Events."""

    name = "kybern.server.events"
    label = "events"
    verbose_name = "Events"
