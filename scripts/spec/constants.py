"""Words of the warehouse that Python uses too, each in one place."""

BUILT = "built"
"""The name of the return made from an extract, which no other may have."""
ERRORS = ("load_reject", "error")
"""The severities that stop a return."""
QUERY = "query"
SEVERITIES = {"load_reject": "Will not load", "error": "Error", "query": "Query"}
"""Every severity, the worst first, and what people read."""
WORST_FIRST = tuple(SEVERITIES)
MODULES = {
    "extract": "Extract",
    "file": "File",
    "header": "Header",
    "person": "Person",
    "requests": "Request",
    "assessment": "Assessment",
    "named_plan": "Plan",
    "plan_detail": "Setting named in plan",
    "active_plans": "Review and needs",
    "placement_detail": "Placement",
    "sen_need": "Type of need",
    "return": "Whole return",
    "form": "Aggregated form",
    "figures": "Published figures",
    "compared": "Since last year",
}
"""Every module of rules in the order of the return, and what people read."""
