"""The files that the authority keeps itself beside its extracts."""

KEPT_TABLES = {
    "notes": (
        *("rule_id", "record_id", "found", "text", "author", "date", "expiry"),
        *("kind", "agreed_by", "agreed_date"),
    ),
    "overrides": (
        *("table_name", "key", "column_name", "from", "to"),
        *("reason", "author", "date", "expiry"),
    ),
    "people_matched": (
        *("person_id", "other_person_id", "decision"),
        *("reason", "author", "date"),
    ),
    "form_local_rules": (
        *("position", "setting", "setting_note", "school_age", "placement"),
        "reason",
    ),
    "answers": ("rule_id", "record_id", "found", "answer", "text", "author", "date"),
}
"""The files, and their columns."""

ANSWERED_FILES = ("notes", "overrides", "answers")
"""The files in which answers are kept; without a name they are beside sen2.yml."""
