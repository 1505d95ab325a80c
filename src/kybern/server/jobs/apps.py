"""The application of background work."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Background work."""

    name = "kybern.server.jobs"
    label = "jobs"
    verbose_name = "Jobs"
