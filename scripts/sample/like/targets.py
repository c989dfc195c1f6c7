"""What an extract must come to so that its figures are an authority's published ones.

Both releases are read into the same few numbers. Where published figures do not fit each other, or
need what a return cannot hold, one of them gives way: that is a conflict, kept with the reason.
"""

from dataclasses import dataclass, field

from .published import Cell

# How DfE counts what is not recorded.
NO_NEED = "need_unknown"
NO_SETTING = "placement_unknown"


@dataclass(frozen=True)
class Conflict:
    """A published cell that the extract is not built to equal, what it comes to, and why.

    `published_disagree` when no extract could equal it: published counts contradict each other.
    """

    dataset: str
    column: str
    value: str
    made: str
    why: str
    published_disagree: bool


@dataclass
class Group:
    """A group of plans: how many, and how many of each kind; None where nothing is published.

    `ages` are those on the age reference day, or, when `by_year_end`, on the last day of the
    calendar year: youngest, oldest and number; `start_ages` are those on the day the plan started.
    `needs` are by group of settings, or under "" for all together; `start_needs` are by the
    youngest age at the start.
    """

    plans: int = 0
    ages: list[tuple[int, int, int]] | None = None
    by_year_end: bool = False
    start_ages: list[tuple[int, int, int]] | None = None
    start_needs: dict[int, dict[str, int]] | None = None
    sexes: dict[str, int] | None = None
    settings: dict[str, int] | None = None
    needs: dict[str, dict[str, int]] | None = None
    years: dict[int, int] | None = None
    ethnicities: dict[str, int] | None = None


@dataclass
class Requests:
    """Requests received in the year, and decisions on requests made in it.

    The 2025 release gives the outcomes of those received; `agreed` is None in the form, which gives
    all those received and all refusals of the year. Times are None when they are not published.
    """

    received: int = 0
    agreed: int | None = None
    refused: int = 0
    undecided: int = 0
    withdrawn: int = 0
    youth: int = 0
    in_time: int | None = None
    late: int | None = None


@dataclass
class Disputes:
    """Matters disputed: by mediation alone, by appeal alone, by both."""

    mediation: int = 0
    appeal: int = 0
    both: int = 0

    @property
    def all(self) -> int:
        """Matters disputed in any way."""
        return self.mediation + self.appeal + self.both


@dataclass
class Reviews:
    """Annual reviews of plans in force that started before the calendar year.

    Meetings and decisions are by when they were: since the calendar year, in it, before it.
    `not_due` are the meetings so near the survey day that a decision may still be in time.
    """

    meetings: tuple[int, int, int]
    decisions: tuple[int, int, int]
    not_due: int
    outstanding: int
    in_time: int
    outcomes: dict[str, int]


@dataclass
class Targets:
    """Everything the extract of a collection year must come to."""

    stock: Group = field(default_factory=Group)
    new: Group = field(default_factory=Group)
    requests: Requests = field(default_factory=Requests)
    # Assessments with a decision in the year, and those under way when it ended.
    issued: int = 0
    refused_in_time: int = 0
    refused_late: int = 0
    refused_untimed: int = 0
    under_way: int | None = None
    # Those withdrawn in the year with an outcome date; None when their number is free.
    assessments_withdrawn: int | None = None
    # Plans issued that have a time: (weeks band, exception) to number; the bands are 0 to 20
    # weeks, to 52, and over.
    timed: dict[tuple[int, bool], int] = field(default_factory=dict)
    disputes_exclude: bool = True
    disputes: dict[str, Disputes] = field(default_factory=dict)
    # The table and columns that publish them: mediation, appeals and both, the first two with both.
    dispute_columns: dict[str, tuple[str, str, str, str]] = field(default_factory=dict)
    # Plans ceased in the year: (youngest, oldest, reason) to number.
    ceased: dict[tuple[int, int, int], int] = field(default_factory=dict)
    # The whole years that they were held, by reason; None where nothing is published.
    ceased_years: dict[int, dict[int, int]] | None = None
    reviews: Reviews | None = None
    # Personal budgets: how many, with arrangements, and by code of direct payments.
    budgets: int | None = None
    arrangements: int = 0
    payments: dict[str, int] = field(default_factory=dict)
    # Codes to (youngest, oldest, number).
    residential: dict[str, list[tuple[int, int, int]]] | None = None
    work_based: dict[str, int] | None = None
    # Moves in the year by column: the group before, the group or setting after, and how many
    # people; None when moves are not counted.
    moves: dict[str, tuple[str, str, int]] | None = None
    # The table that publishes plans in force by setting, for what has to give way.
    settings_table: str = "caseload"
    officers: dict[str, str] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def give_way(
        self, dataset: str, column: str, value: int, made: int, why: str, disagree: bool = False
    ) -> None:
        """Note that a cell is not met; `disagree` when other published counts contradict it."""
        if value != made:
            self.conflicts.append(Conflict(dataset, column, str(value), str(made), why, disagree))

    def give_way_disputes(self, about: str, missing: Disputes, why: str) -> None:
        """Note the disputes about a matter that no case can carry."""
        wanted = self.disputes[about]
        dataset, *columns = self.dispute_columns[about]
        for column, total, short in zip(
            columns,
            (wanted.mediation + wanted.both, wanted.appeal + wanted.both, wanted.both),
            (missing.mediation + missing.both, missing.appeal + missing.both, missing.both),
            strict=True,
        ):
            self.give_way(dataset, column, total, total - short, why)

    def fit_payments(self, dataset: str, columns: dict[str, str], arrangements: str) -> None:
        """Cut direct payments and arrangements down to the personal budgets that can have them."""
        if self.budgets is None:
            return
        left = self.budgets
        why = "a personal budget has one kind of direct payments, and there are fewer budgets"
        for code, number in self.payments.items():
            self.payments[code] = min(number, left)
            left -= self.payments[code]
            self.give_way(dataset, columns[code], number, self.payments[code], why)
        made = min(self.arrangements, self.budgets)
        self.give_way(dataset, arrangements, self.arrangements, made, why)
        self.arrangements = made
