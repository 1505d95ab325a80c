"""A governance repository on disk: load, lint with positions, format, describe, scaffold."""

from kybern.workspace._catalogs import catalogs_of, read_catalogs
from kybern.workspace._emit import emit_record, inline
from kybern.workspace._files import list_records
from kybern.workspace._fmt import fmt, format_files
from kybern.workspace._history import History, Version
from kybern.workspace._lint import lint
from kybern.workspace._load import Places, Workspace, load_workspace, parse_records
from kybern.workspace._profiles import Answers, Profile, load_profile, profile_ids, read_answers
from kybern.workspace._render import SourceLines, render
from kybern.workspace._rules import RULES, CatalogIds, Rule
from kybern.workspace._sarif import sarif
from kybern.workspace._scaffold import scaffold
from kybern.workspace._schema import json_schema, record_schema
from kybern.workspace._settings import SETTINGS_FILE, Settings, find_root
from kybern.workspace._translate import validate
from kybern.workspace._write import write_scaffold

__all__ = [
    "RULES",
    "SETTINGS_FILE",
    "Answers",
    "CatalogIds",
    "History",
    "Places",
    "Profile",
    "Rule",
    "Settings",
    "SourceLines",
    "Version",
    "Workspace",
    "catalogs_of",
    "emit_record",
    "find_root",
    "fmt",
    "format_files",
    "inline",
    "json_schema",
    "lint",
    "list_records",
    "load_profile",
    "load_workspace",
    "parse_records",
    "profile_ids",
    "read_answers",
    "read_catalogs",
    "record_schema",
    "render",
    "sarif",
    "scaffold",
    "validate",
    "write_scaffold",
]
