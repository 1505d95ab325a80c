"""The forms of text that Kybern's shapes ask for, in words: nobody reads a regular expression in an error."""

from __future__ import annotations

from typing import Final

FORMS: Final = {
    r"^P\d{1,5}D$": ("a time in days", "Write it like P365D."),
    r"^[a-z0-9][a-z0-9._-]{0,79}$": ("an id", "Use lower-case letters, digits, dots, dashes and underscores, at most 80."),
    r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$": (
        "a short name",
        "Use lower-case letters and digits, joined by single dashes, dots or underscores.",
    ),
    r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$": ("a country code", "Use ISO 3166: DE, or US-CA for a part; EU for the Union."),
    r"^[0-9a-f]{64}$": ("a SHA-256 digest", "It has 64 digits 0 to 9 and a to f, in lower case."),
    r"^[a-z]{2}$": ("a language code", "Use two letters: en, de."),
    r"^[^@\s]+@[^@\s]+$": ("an e-mail address", "Write it like name@example.org."),
    r"^[A-Z0-9_]+$": ("a framework's id", "Write it like ISO42001."),
    r"^[A-Z0-9_]+:.+$": ("a requirement's name", "Write it like ISO42001:A.7.4."),
    r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$": (
        "a conclusion's name",
        "Write it like eu_ai_act.high_risk: lower-case words, joined by dots.",
    ),
    r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$": ("a clock's name", "Write it like gdpr.authority: the regime and the duty, joined by a dot."),
    r"^[A-Z]{3}$": ("a currency code", "Use ISO 4217: EUR."),
    r"^[A-Z]{3}-\d{2}$": ("a control's id", "Write it like GOV-01."),
    r"^[a-z_]+:[a-z0-9][a-z0-9._-]*$": ("a record's name", "Write it like person:ada."),
    r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$": ("a field's name", "Write it like due or body.value: lower-case words, joined by dots."),
}
"""What a text is that has the pattern, and how to write it. The shapes of every room draw on these few patterns."""
