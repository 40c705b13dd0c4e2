"""The program: its commands, and exceptions as a message and an exit code."""

from __future__ import annotations

import os
import sys

import click

from trialsim import __version__
from trialsim.cli import designs, protocols, studies, survival, trials
from trialsim.errors import InvalidInput, TrialsimError

INTERRUPTED = 130
_COMMANDS: tuple[click.Command, ...] = (
    protocols.init,
    protocols.check,
    protocols.describe,
    protocols.agents,
    protocols.schema,
    trials.run,
    trials.patient,
    trials.report,
    trials.export,
    survival.analyse,
    designs.boundaries,
    designs.size,
    studies.findings,
    studies.mechanisms,
    studies.twins,
    studies.sweep,
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed while running, 2 usage, 3 invalid input file, 4 an acceptance was not met, "
    "130 interrupted.",
)
@click.version_option(__version__, prog_name="trialsim")
def cli() -> None:
    """Simulate clinical trials of senotherapy on virtual patients, cell by cell."""


for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Entry point: runs a command and turns its exceptions into a message and an exit code."""
    try:
        # An exit code that a command asks for comes back from here.
        sys.exit(cli.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except TrialsimError as error:
        click.echo(f"{error}" if isinstance(error, InvalidInput) else f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort) as error:
        if isinstance(error.__cause__, EOFError):
            # click takes the end of any file that is read for Ctrl-D at a prompt; there is no prompt here.
            raise error.__cause__ from None
        click.echo("\nInterrupted before it was done.", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader has gone (| head). Keep Python from complaining when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
