"""The command `sen2`: one verb a stage, and `run` for the whole job."""

import gc
import os
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from ..ground import stopping
from ..ground.console import err, say
from ..ground.console import out as console
from ..ground.errors import DEFECT, Sen2Error
from . import audit, extract, returns, run

app = typer.Typer(
    name="sen2",
    help="From a local authority's special-educational-needs cases to DfE's SEN2 return.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=(
        "Exit codes: 0 the submission was written; 1 the return has errors, so none was written"
        " (the reports were); 2 the input or the configuration is wrong; 3 our own fault."
    ),
)


def _show_version(*, asked: bool) -> None:
    if asked:
        from ..build.project import LIBRARIES

        console.print(f"sen2 {version('sen2')}", markup=False)
        for library in LIBRARIES:
            console.print(f"{library} {version(library)}", markup=False)
        raise typer.Exit(0)


@app.callback()
def before_the_verb(
    is_version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda asked: _show_version(asked=asked),
            is_eager=True,
            help="The version, and those of what it stands on.",
        ),
    ] = False,
) -> None:
    """Take the options that go before a verb."""


VERBS: dict[str, Callable[..., None]] = {  # in the order of --help
    "run": run.run_all,
    "nightly": run.nightly,
    "land": run.land,
    "build": run.build,
    "validate": run.validate,
    "export": run.export,
    "report": run.report,
    "pack": audit.pack,
    "purge": audit.purge,
    "verify": audit.verify,
    "check": returns.check,
    "import": returns.import_return,
    "compare": returns.compare,
    "sample": extract.sample,
    "why": extract.why,
    "answers": extract.answers,
    "causes": extract.causes,
    "map": extract.propose_mapping,
    "collect-errors": returns.collect_errors,
}
for verb, function in VERBS.items():
    app.command(verb)(function)

rules_app = typer.Typer(help="DfE's own numbers and severities of the rules.", no_args_is_help=True)
rules_app.command("import-dfe")(returns.import_dfe)
rules_app.command("apply-dfe")(returns.apply_dfe)
app.add_typer(rules_app, name="rules")


def _explain(error: Exception) -> int:
    """Say what was wrong; gives the exit code."""
    if isinstance(error, Sen2Error):
        say(f"sen2: {error}", under=0, to=err)
        return error.exit_code
    frames = traceback.extract_tb(error.__traceback__)
    places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-4:])
    say(
        f"sen2: a fault of ours, {type(error).__name__} at {places}. Nothing was published."
        " Please report it with this line.",
        under=0,
        to=err,
    )
    return DEFECT


def main() -> None:
    """Run the command; every ending is an exit code and, when wrong, one paragraph that says why.

    A traceback could show a value from a person's record, so our own faults name only the places
    in the code they passed through. Whatever is written is for its owner alone.
    """
    os.umask(0o077)
    stopping.tidily()
    try:
        app(standalone_mode=True)
    except KeyboardInterrupt:
        say("sen2: stopped.", to=err)
        sys.exit(130)
    except Exception as error:
        sys.exit(stopping.exit_code() or _explain(error))
    finally:
        stopping.leave()
        gc.freeze()  # what is loaded goes with the process: to look through it takes half a second
