"""The application of the pages."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """Server-rendered pages."""

    name = "kybern.server.pages"
    label = "pages"
    verbose_name = "Pages"
