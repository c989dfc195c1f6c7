"""An authority's row of the 2022 release (collections with an aggregated form) as targets."""

from ..survey import Survey
from .published import Published, Row, cells, count
from .targets import Disputes, Group, Requests, Targets

BANDS = {
    "Under 5": (0, 4),
    "Age 5 to 10": (5, 10),
    "Age 11 to 15": (11, 15),
    "Age 16 to 19": (16, 19),
    "Age 20 to 25": (20, 25),
}
# The sample's kind of setting that each published row counts.
LEAVES = {
    "Non-maintained early years": "nm_early_years",
    "Mainstream - LA maintained": "mainstream_la_maintained",
    "Mainstream - LA maintained - SEN unit": "mainstream_la_maintained_senunit",
    "Mainstream - LA maintained - Resourced provision":
        "mainstream_la_maintained_resourced_provision",
    "Mainstream - Academy": "mainstream_academy",
    "Mainstream - Academy - SEN unit": "mainstream_academy_senunit",
    "Mainstream - Academy - Resourced Provision": "mainstream_academy_resourced_provision",
    "Mainstream - Free school": "mainstream_free_school",
    "Mainstream - Free school - SEN unit": "mainstream_free_school_senunit",
    "Mainstream - Free school - Resourced provision": "mainstream_free_school_resourced_provision",
    "Mainstream - Independent": "mainstream_independent",
    "Special - LA maintained": "special_la_maintained",
    "Special - Academy/free": "special_academy_free",
    "Special - Non-maintained": "special_non_maintained",
    "Special - Independent": "special_independent",
    "AP/PRU - LA maintained": "ap_pru_la_maintained",
    "AP/PRU - Academy": "ap_pru_academy",
    "AP/PRU - Free school": "ap_pru_free_school",
    "Hospital School": "hospital_school",
    "General FE and tertiary colleges/HE": "general_fe_tertiary_colleges",
    "Other FE": "ukrlp_provider",
    "Sixth form college": "sixth_form_college",
    "Specialist post-16 institutions": "specialist_post_16_institutions",
    "Elective home education": "elective_home_education",
    "Other arrangements by local authority": "other_arrangements_la",
    "Other arrangements by parents": "other_arrangements_parents",
    "Permanently excluded": "permanently_excluded",
    "Awaiting provision - below compulsory school age and in education": "awaiting_below_in",
    "Awaiting provision - below compulsory school age and not in education": "awaiting_below_out",
    "Awaiting provision - compulsory school age and in education": "awaiting_of_in",
    "Awaiting provision - compulsory school age and not in education": "neet_other_csa",
    "Awaiting provision - above compulsory school age and in education": "awaiting_above_in",
    "Awaiting provision - above compulsory school age and not in education": "awaiting_above_out",
    "NEET": "neet",
    "Other": "other_placement_settings",
}  # fmt: skip
MOVES = {
    "MtosiEHC": ("mainstream", "special"),
    "SitomEHC": ("special", "mainstream"),
    "MtoParEHC": ("mainstream", "elective_home_education"),
    "SitoParEHC": ("special", "elective_home_education"),
}
ENDED = {
    "DisleaEHC": (5, 15, 5),
    "DismetEHC": (5, 15, 2),
    "DisothEHC": (5, 15, 7),
    "DisleftEHC": (16, 25, 6),
}
PAYMENTS = {
    "E": "DirectPayEducation",
    "S": "DirectPaySocialCare",
    "H": "DirectPayHealth",
    "I": "DirectPayIntegrated",
}
USUAL_IN_TIME = 0.7


def read_2022(published: Published, survey: Survey) -> Targets:
    """The targets of a collection year; an authority with no caseload then is an input error."""
    targets = Targets(disputes_exclude=False, settings_table="sen2_estab_caseload")
    stock, flow = str(survey.year), str(survey.year - 1)
    targets.stock = _group(targets, published, "caseload", stock, "Total_ehc")
    if not targets.stock.plans:
        raise published.no_figures("sen2_age_caseload", stock)
    targets.new = _group(targets, published, "new_plans", flow, "Total_new_ehc")
    row = _row(targets, published, "sen2_mi", flow)
    _flows(targets, row)
    _budgets(targets, row)
    _on_survey_day(targets, _row(targets, published, "sen2_wbp_residential_dmo", stock))
    return targets


def _row(targets: Targets, published: Published, dataset: str, period: str) -> Row | None:
    """The authority's one row of a table, its counts noted as cells to equal."""
    rows = published.rows(dataset, period)
    targets.cells += cells(dataset, rows)
    return rows[0] if rows else None


def _group(targets: Targets, published: Published, name: str, period: str, column: str) -> Group:
    """Plans by age band and by setting."""
    ages = published.rows(f"sen2_age_{name}", period)
    places = published.rows(f"sen2_estab_{name}", period)
    targets.cells += cells(f"sen2_age_{name}", ages)
    targets.cells += cells(f"sen2_estab_{name}", places)
    by_age = {row["characteristic_age"]: count(row, column) or 0 for row in ages}
    by_place = {
        LEAVES[row["establishment_type"]]: count(row, column) or 0
        for row in places
        if row["establishment_type"] in LEAVES
    }
    return Group(
        plans=by_age.get("Total", 0),
        ages=[(*BANDS[band], by_age[band]) for band in BANDS if band in by_age],
        settings=by_place or None,
    )


def _flows(targets: Targets, row: Row | None) -> None:
    """Requests, assessments, plans issued, plans ended, moves and mediation of the year."""

    def number(column: str) -> int:
        return count(row, column) or 0

    targets.issued = number("NewallEHC")
    targets.refused_in_time = round(USUAL_IN_TIME * number("AssnoneEHC"))
    targets.refused_late = number("AssnoneEHC") - targets.refused_in_time
    targets.under_way = number("AssnodecisionEHC")
    targets.requests = Requests(
        received=number("InreqEHC"),
        refused=number("AssRefusedEHC"),
        youth=number("InreqryaEHC"),
    )
    plain = number("NoExc20weekEHC"), number("TotNoExcEHC") - number("NoExc20weekEHC")
    everyone = number("IncExc20weekEHC"), number("TotIncExcEHC") - number("IncExc20weekEHC")
    for band in (0, 1):
        targets.timed[band, False] = min(plain[band], everyone[band])
        targets.timed[band, True] = max(everyone[band] - plain[band], 0)
    targets.ceased = {key: number(column) for column, key in ENDED.items()}
    targets.moves = {column: (*groups, number(column)) for column, groups in MOVES.items()}
    followed = number("NewEHCTribunal")
    targets.disputes["any"] = Disputes(
        mediation=number("NewEHCMediation") - followed, both=followed
    )


def _budgets(targets: Targets, row: Row | None) -> None:
    """Personal budgets."""
    targets.budgets = count(row, "PersonalBudgets")
    targets.arrangements = count(row, "OrgArrangements") or 0
    targets.payments = {code: count(row, column) or 0 for code, column in PAYMENTS.items()}
    targets.fit_payments("sen2_mi", PAYMENTS, "OrgArrangements")


def _on_survey_day(targets: Targets, row: Row | None) -> None:
    """Residential and work-based placements, and the officers in post."""
    ends = {"05": (0, 4), "510": (5, 10), "1115": (11, 15), "1619": (16, 19), "2025": (20, 25)}
    targets.residential = {
        code: [(*band, count(row, f"Mres{weeks}week{end}EHC") or 0) for end, band in ends.items()]
        for code, weeks in (("A", "38"), ("B", "52"))
    }
    targets.work_based = {
        code: count(row, column) or 0
        for code, column in (("A", "MApprenEHC"), ("T", "MTrainEHC"), ("S", "MSuppIntEHC"))
    }
    targets.officers = {
        name: answer
        for name, column in (("dmo", "DMO"), ("dco", "DCO"))
        if row and (answer := row.get(column, "")) in ("Y", "N", "R")
    }
