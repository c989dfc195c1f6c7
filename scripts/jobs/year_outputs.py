"""What is written for a collection: the XML, the form, and a warning that goes with it."""

from dataclasses import dataclass

from .. import spec
from ..ground.console import err, say
from ..ground.errors import InputError

UNCONFIRMED = (
    "No source confirms how the XML of the {year} collection is nested: the file {verb} with the"
    " nesting of the year after and the items and codes of {year}."
)
FORM_ALONE = (
    " The aggregated form, which was compulsory, is written without it. To write the voluntary XML"
    " too, add --accept-unconfirmed."
)


@dataclass(frozen=True)
class Outputs:
    """What is written for a collection, and a warning that goes with it."""

    has_xml: bool
    has_form: bool
    warning: str | None = None


def outputs_of(year: int, accept_unconfirmed: bool = False) -> Outputs:
    """What is written for the year; an input error when that is nothing, with the reason."""
    collection = spec.collection(year)
    is_unconfirmed = collection.has_person_level and not spec.has_confirmed_structure(year)
    has_xml = collection.has_person_level and (accept_unconfirmed or not is_unconfirmed)
    if not has_xml and not collection.has_aggregated:
        raise InputError(
            UNCONFIRMED.format(year=year, verb="would be written")
            + " Add --accept-unconfirmed to have it all the same."
        )
    warning = None
    if is_unconfirmed and has_xml:
        warning = "WARNING: " + UNCONFIRMED.format(year=year, verb="is written")
        warning += " COLLECT may refuse it. Say so to whoever uses it."
    elif is_unconfirmed:
        warning = "Note: " + UNCONFIRMED.format(year=year, verb="would be written") + FORM_ALONE
    elif collection.is_provisional:
        warning = (
            f"Note: {year} is provisional. No specification for it was found, so the items, codes"
            " and rules of the year before are used on its dates."
        )
    return Outputs(has_xml, collection.has_aggregated, warning)


def show_warning(outputs: Outputs) -> None:
    """Say the warning that goes with what is written."""
    if outputs.warning:
        say(outputs.warning, to=err)
