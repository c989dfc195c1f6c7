"""The columns of the sheets: what they are called, how wide, where people write."""

from ...spec.constants import SEVERITIES
from ..workbook import Column
from .words import ANSWERS

PERSON = Column("Person", 12, "person_id")
NAMES = (
    Column("Surname", 14, "surname"),
    Column("Forename", 14, "forename"),
    Column("Date of birth", 11, "person_birth_date"),
)
OFFICER = Column("Officer", 16, "worker")
TEAM = Column("Team", 18, "team")
WORK = (
    Column("What is wrong", 34, "message"),
    Column("What the record says", 34, "says"),
    Column("Days over the limit", 9, "days_over", True),
    Column("What to do", 34, "fix"),
)
ANSWER = (
    Column(
        "Your answer",
        25,
        "answer",
        to_write=True,
        choices=ANSWERS,
        prompt="Choose one. Delete it to take an answer back.",
    ),
    Column(
        "Reason or right value",
        40,
        "reason",
        to_write=True,
        prompt="Why it is right, or the right value (31/01/2026), or the team whose it is.",
    ),
    Column("Initials", 9, "initials", to_write=True),
)
STATE = (Column("State", 14, "state"), Column("Severity", 11, "severity"))
BEHIND = tuple(
    column._replace(is_hidden=True)
    for column in (
        Column("Request", 12, "request_id"),
        Column("Record", 14, "record_id"),
        Column("Value found", 30, "found"),
        Column("Allowed values", 44, "allowed"),
        Column("Item number", 11, "item_number"),
        Column("Item", 28, "item"),
        Column("Module", 13, "module"),
        Column("Rule", 7, "rule_id"),
        Column("Main cause", 14, "main_cause"),
        Column("In accepted returns", 38, "accepted"),
        Column("Note", 38, "note"),
        Column("Source file", 17, "source_file"),
        Column("Source row", 9, "source_row", True),
    )
)
KNOWN_BY = tuple(
    column._replace(is_hidden=True)
    for column in (
        Column("Kind of value", 20, "value_kind"),
        Column("Return", 11, "return_mark"),
        Column("Mark", 10, "mark"),
        Column("Answer before", 10, "answer_mark"),
    )
)
"""By what a line is known again when the workbook comes back; docs/answers.md says how."""
IN_CSV = (
    *("request_id", "record_id", "message", "fix", "found", "allowed", "item_number", "item"),
    *("module", "rule_id", "severity", "team", "main_cause", "source_file", "source_row"),
    *("days_over", "state", "worker"),
    *("note_text", "note_author", "note_date"),
)
"""The columns of issues.csv after the person's."""

MANY = (
    Column("No.", 5, "place", True),
    Column("Queries", 9, "lines", True),
    Column("To answer", 9, "to_answer", True),
    Column("% of all, down to here", 10, "covered", True),
    Column("Team", 24, "team"),
    Column("What is wrong", 50, "message"),
    Column("Kind of value", 30, "value_kind"),
    Column(
        "Same reason for all of them",
        60,
        "reason",
        to_write=True,
        prompt="It answers every line of the group in this workbook that has no answer of its own.",
    ),
    Column("Initials", 9, "initials", to_write=True),
    Column("Rule", 7, "rule_id", is_hidden=True),
    Column("Return", 11, "return_mark", is_hidden=True),
    Column("Answer before", 10, "answer_mark", is_hidden=True),
)
RULE = (
    Column("Rule", 7, "rule_id"),
    Column("Severity", 12, "severity"),
    Column("Module", 20, "module"),
    Column("Team", 28, "team"),
    Column("What is wrong when it finds something", 60, "message"),
    Column("What to do", 60, "fix"),
    Column("Items", 32, "items"),
    Column("DfE's number", 9, "dfe_number"),
    Column("Likely error", 8, "likely"),
    Column("Accepted before", 40, "accepted"),
    Column("Severity changed", 30, "severity_reason"),
    Column("Origin", 15, "origin"),
    Column("Status", 14, "status"),
    Column("Records checked", 10, "records_checked", True),
    Column("Issues", 9, "issue_count", True),
    Column("Main causes", 9, "primary_issue_count", True),
    Column("People", 9, "person_count", True),
)
KEPT_LINE = (
    Column("Kind", 11, "kind"),
    Column("Status", 15, "status"),
    Column("What became of it", 38, "status_reason"),
    Column("Rule or value", 26, "about"),
    Column("Record or key", 14, "record_id"),
    Column("Value found, or corrected", 30, "found"),
    Column("Corrected to", 20, "to_value"),
    Column("Explanation", 50, "words"),
    Column("Author", 18, "author"),
    Column("Date", 11, "written_date"),
    Column("Expires", 11, "expiry_date"),
    Column("File", 17, "file"),
    Column("Row", 7, "row", True),
)
COLLECT_LINE = (
    Column("Module", 20, "module"),
    Column("Rule", 7, "rule_id"),
    Column("DfE's number", 9, "dfe_number"),
    Column("Person", 12, "person_id"),
    Column("Record", 14, "record_id"),
    Column("What is wrong", 40, "message"),
    Column("What the record says", 34, "says"),
    Column("Note to copy into COLLECT", 60, "note_text"),
    Column("OK'd by DfE", 24, "agreed_with"),
    Column("Given by", 16, "note_author"),
    Column("Given on", 11, "note_date"),
)
UNUSED_LINE = (
    Column("Workbook", 26, "file"),
    Column("Sheet", 24, "sheet"),
    Column("Row it had there", 9, "row", True),
    Column("Person", 12, "person_id"),
    Column("Rule", 7, "rule_id"),
    Column("Record", 14, "record_id"),
    Column("Answer", 25, "answer"),
    Column("Reason or right value", 50, "words"),
    Column("Initials", 9, "initials"),
    Column("Why it was not used", 60, "why"),
)
UNCHECKED = (*RULE[:5], Column("Status", 14, "status"), Column("What it would take", 60, "needs"))
LOCAL_VALUE = (
    Column("What became of it", 44, "became"),
    Column("Source", 12, "source"),
    Column("Table", 14, "table_name"),
    Column("Column", 24, "column_name"),
    Column("Value", 34, "value"),
    Column("Rows", 8, "row_count", True),
    Column("Nearest code", 10, "nearest_code"),
    Column("Its meaning", 40, "nearest_label"),
)
CODE = (
    Column("Code list", 24, "codeset"),
    Column("Items", 40, "items"),
    Column("Code", 10, "code"),
    Column("Meaning", 80, "label"),
)
COUNTED = (
    Column("Counted by", 14, "counted_by"),
    Column("", 70, "group")._replace(heading="Which"),
    *(Column(label, 12, severity, True) for severity, label in SEVERITIES.items()),
    Column("Issues", 10, "issue_count", True),
    Column("Main causes", 10, "primary_issue_count", True),
    Column("People", 10, "person_count", True),
    Column("Queries to explain", 12, "unexplained_count", True),
    Column("New since the last run", 12, "new_count", True),
    Column("Cleared since the last run", 12, "cleared_count", True),
)

TAB_COLOURS = {"team": "#1F3864", "many": "#FFDD00", "unused": "#9C0006"}
