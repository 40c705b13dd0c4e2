"""Commands that read files and tell what is in them: nothing is simulated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trialsim.cli.options import JSON, PROTOCOL, SET, load
from trialsim.errors import InvalidInput, Problem, UsageError

if TYPE_CHECKING:
    from trialsim.spec.agents import Agent


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a small protocol and its cohort into a new folder, to start from."""
    from trialsim.spec.shipped import start

    protocol, cohort = start(folder)
    click.echo(f"Wrote {protocol} and {cohort}. Next:\n  trialsim describe {protocol}\n  trialsim run {protocol}")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="PROTOCOL...", type=click.Path(path_type=Path))
@SET
def check(files: tuple[Path, ...], overrides: tuple[str, ...]) -> None:
    """Find every error of protocols (or cohorts) at once, each with its place and remedy."""
    problems: list[Problem] = []
    for file in files:
        try:
            click.echo(f"{file}: {_checked(file, overrides)}")
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(tuple(problems))


def _checked(file: Path, overrides: tuple[str, ...]) -> str:
    from trialsim.spec.load import is_cohort, load_cohort

    if is_cohort(file):
        _refuse_overrides(overrides)
        return f"ok, cohort of {len(load_cohort(file).traits)} traits"
    protocol = load(file, overrides)
    return f"ok, {protocol.accrual.patients} patients in {len(protocol.arms)} arms"


def _refuse_overrides(overrides: tuple[str, ...]) -> None:
    """A cohort alone takes no overrides."""
    if overrides:
        raise UsageError("--set changes a protocol; name the protocol and write cohort.KEY=VALUE")


@click.command()
@PROTOCOL
@SET
def describe(protocol: Path, overrides: tuple[str, ...]) -> None:
    """Tell the trial in words and as a timeline, before anything runs; of a cohort, every distribution."""
    from trialsim.spec.load import is_cohort, load_cohort

    if is_cohort(protocol):
        _refuse_overrides(overrides)
        from trialsim.report.describe_cohort import describe_cohort

        click.echo(describe_cohort(load_cohort(protocol)), nl=False)
        return
    from trialsim.report.describe import describe_protocol

    click.echo(describe_protocol(load(protocol, overrides)))


@click.command()
@click.argument("name", required=False)
@click.option(
    "--protocol",
    type=click.Path(path_type=Path),
    help="With the agents that this protocol adds and as it changes them.",
)
@SET
@JSON
def agents(name: str | None, protocol: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """List the agent library; with NAME, explain an agent: every number with its range and source."""
    from trialsim import results
    from trialsim.report import describe_agent as tell
    from trialsim.treatment.library import load_library

    library: Mapping[str, Agent] = load_library()
    if protocol is not None:
        from trialsim.spec.load import load_agents

        library = load_agents(protocol, library, overrides)
    elif overrides:
        raise UsageError("--set changes a protocol; name one with --protocol")
    if name is None:
        summaries = [tell.agent_summary(agent) for agent in library.values()]
        click.echo(results.to_json(summaries) if as_json else tell.list_agents(library), nl=False)
        return
    if name not in library:
        from trialsim.spec.values import did_you_mean

        raise UsageError(f"no agent is called {name}; {did_you_mean(name, library)}")
    agent = library[name]
    click.echo(results.to_json(tell.agent_details(agent)) if as_json else tell.describe_agent(agent), nl=False)


@click.command()
@click.argument("kind", type=click.Choice(["protocol", "cohort"]))
def schema(kind: str) -> None:
    """Print the JSON Schema (draft 7) of a protocol or cohort file, for editors."""
    from trialsim.results import to_json
    from trialsim.spec.schema import cohort_schema, protocol_schema

    click.echo(to_json(protocol_schema() if kind == "protocol" else cohort_schema()), nl=False)
