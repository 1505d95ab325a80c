"""The application that keeps the log and its projection."""

from django.apps import AppConfig


class StoreConfig(AppConfig):
    """The log and its projection."""

    name = "kybern.server.store"
    label = "store"
    verbose_name = "Store"
