"""The application of what comes in over the API."""

from django.apps import AppConfig


class TrafficConfig(AppConfig):
    """Limits, and answers that are given again."""

    name = "kybern.server.traffic"
    label = "traffic"
    verbose_name = "Traffic"
