"""Frameworks from what others write: spreadsheets and OSCAL catalogs, made into the catalog's own YAML without code."""

from kybern.catalog.imports._oscal import read_oscal
from kybern.catalog.imports._sheet import read_csv, read_xlsx
from kybern.catalog.imports._template import csv_template, xlsx_template
from kybern.catalog.imports._yaml import to_yaml

__all__ = ["csv_template", "read_csv", "read_oscal", "read_xlsx", "to_yaml", "xlsx_template"]
