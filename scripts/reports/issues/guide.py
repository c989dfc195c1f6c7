"""The names of the sheets, and the words of the first one: how to answer, how to read."""

START_HERE, SUMMARY, ALL_ISSUES = "Start here", "Summary", "All issues"
FOR_MANY = "One answer for many"
KEPT = "Notes and corrections"
FOR_COLLECT = "For COLLECT"
UNUSED = "Answers not used"
LOCAL = "Local values"
IN_FORCE, NOT_CHECKED, CODES = "Rules in force", "Not checked", "Codes"
OWN_SHEETS = (
    *(
        START_HERE,
        SUMMARY,
        FOR_MANY,
        ALL_ISSUES,
        FOR_COLLECT,
        KEPT,
        UNUSED,
        LOCAL,
        IN_FORCE,
        NOT_CHECKED,
        CODES,
    ),
)

CARE = "Keep it where the case system's own data may be kept, and delete it after use."
HOW_TO_ANSWER = (
    ("1", "Open your team's sheet. Sort and filter it as you like."),
    (
        "2",
        "In the yellow columns choose an answer. Right as it is: write why. Use this value: write"
        " the value, dates as you are used to (31/01/2026). Agreed with DfE: write who agreed and"
        " when. Not our team: write whose it is, if you know.",
    ),
    (
        "3",
        f"One reason for many lines? Write it once on the sheet {FOR_MANY}. An answer on a line"
        " comes before it.",
    ),
    (
        "4",
        "Save the workbook and leave it where it is, or send it to your data team. The next run"
        " reads it.",
    ),
    (
        "5",
        "In the next workbook your answers are where you wrote them, cleared lines are gone, and"
        " new ones say New. Delete an answer to take it back.",
    ),
)
HOW_TO_READ = (
    (
        "Order",
        "Errors first, then queries; answered lines after those to answer, main causes before what"
        " follows from them, and the longest over the limit first.",
    ),
    ("Person", "The case system's own id: search for it there."),
    ("What the record says", "What is recorded now. Blank means nothing is recorded."),
    (
        "State",
        "New: not found by the last run. Answered: it has an explanation. Still there: you said it"
        " was corrected, and a later extract still has it. Not in an extract yet: it was corrected"
        " after this extract. Look again: an answer could not be used. Last year's answer: nothing"
        " has changed since, so choose the answer again if it is still right. Moved here: another"
        " team says it is yours.",
    ),
    (
        "Severity",
        "Will not load: DfE's system refuses the file. Error: it must be corrected. Query: correct"
        " it, or explain in a COLLECT note why it is right.",
    ),
    (
        "More columns",
        "Press the + above the last column: request, rule, record, values allowed, and the row of"
        " the extract or of the file that was checked.",
    ),
    ("Grey lines", "They have an answer, or follow from another fault."),
    ("Ids", "Ids are text and keep their leading zeros."),
    (
        "issues.csv",
        "The same lines for machines, dates as year-month-day. A value there that begins with =,"
        " +, -, @, a tab or carriage return has an apostrophe put before it, so that no spreadsheet"
        " program computes it.",
    ),
)
ABOUT_THE_RULES = (
    (
        "Whose they are",
        "This project's: derived from public material, and some our own. They are not DfE's list.",
    ),
    ("DfE's number", "Blank until someone who holds DfE's official workbook fills it in."),
    ("Nothing found", "A clean sheet here does not promise that COLLECT will find nothing."),
)
