"""The cases of an extract made to an authority's published figures, each with its slot."""

import numpy as np

from ..cases import Cases, join_people, number_people
from ..days import joined, taken
from .issued import IssuedStories
from .older import OlderStories
from .outcomes import OutcomeStories
from .slots import Slots
from .targets import Disputes
from .times import dispute, kinds_of

NO_ROOM = (
    "there are more of these disputes than assessments of the year that could carry one: those that"
    " led to no plan, and the plans that DfE leaves out of the 20-week count"
)


class LikeCases(IssuedStories, OutcomeStories, OlderStories):
    """Makes exactly the cases that the published figures count, and some that they do not."""

    def make_like(self) -> tuple[Cases, Slots]:
        """Every case and its slot, in no particular order."""
        self.issued()
        self.not_issued_in_year()
        self.refused_in_year()
        self.under_way()
        self.open_requests()
        self.older_in_force()
        self.dispute_others()
        self.ceased_in_year()
        self.beside()
        cases = join_people([block for block, _ in self.blocks.values()])
        slots = joined([block for _, block in self.blocks.values()])
        order = self.rng.permutation(len(cases))
        return number_people(cases.take(order)), taken(slots, order)

    def dispute_others(self) -> None:
        """The disputes that are not on issued plans."""
        if self.is_form:
            self.dispute_form()
            return
        for about, names in (
            ("assess", ("refused", "under_way", "not_issued")),
            ("issue", ("not_issued",)),
            ("other", ("not_issued",)),
        ):
            kinds = self.kinds[about]
            for name in names:
                cases = self.blocks[name][0]
                after = cases.issue_decided if about != "assess" else cases.decided
                fits = (after <= self.day) & (after >= self.first)
                if about == "assess":
                    fits &= (cases.received >= self.first) & np.isnat(cases.withdrawn)
                rows = np.flatnonzero(fits)[: len(kinds)]
                dispute(self.rng, cases, rows, about, kinds[: len(rows)], after[rows], self.day)
                kinds = kinds[len(rows) :]
            left = Disputes(*(int((kinds == kind).sum()) for kind in (1, 2, 3)))
            self.targets.give_way_disputes(about, left, NO_ROOM)

    def dispute_form(self) -> None:
        """Mediation held in the year, whatever it was about."""
        kinds = kinds_of(self.rng, self.targets.disputes["any"])
        for name, about in (("refused", "assess"), ("not_issued", "issue"), ("issued", "other"),
                            ("older", "other")):  # fmt: skip
            cases = self.blocks[name][0]
            after = cases.decided if about == "assess" else cases.issue_decided
            after = np.maximum(after, self.first)
            rows = np.flatnonzero(cases.has_request & (after <= self.last))[: len(kinds)]
            mediation = np.where(kinds[: len(rows)] == 3, 3, 1)
            dispute(self.rng, cases, rows, about, mediation, after[rows], self.last)
            kinds = kinds[len(rows) :]
