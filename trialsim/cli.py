"""The command line: parse, call, print, exit code.

Results go to standard output, progress and messages to standard error. Heavy modules are imported by the command
that needs them, so that ``--help`` is quick.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trialsim import __version__
from trialsim.errors import InvalidInput, Problem, TrialsimError, UsageError

if TYPE_CHECKING:
    from trialsim.spec.resolved import ResolvedProtocol

NOT_MET, INTERRUPTED = 4, 130
_PROTOCOL = click.argument("protocol", type=click.Path(path_type=Path))
_SET = click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a value of the protocol.")
_SEED = click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of every draw.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print machine-readable JSON.")
_QUIET = click.option("--quiet", is_flag=True, help="No progress on standard error.")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed while running, 2 usage, 3 invalid input file, 4 an acceptance was not met, "
    "130 interrupted.",
)
@click.version_option(__version__, prog_name="trialsim")
def cli() -> None:
    """Simulate clinical trials of senotherapy on virtual patients, cell by cell."""


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
    except (KeyboardInterrupt, click.Abort):
        click.echo("\nInterrupted; nothing was written.", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader has gone (| head). Keep Python from complaining when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


@cli.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a small protocol and its cohort into a new folder, to start from."""
    from trialsim.spec.shipped import start

    protocol, cohort = start(folder)
    click.echo(f"Wrote {protocol} and {cohort}. Next:\n  trialsim describe {protocol}\n  trialsim run {protocol}")


@cli.command()
@click.argument("files", nargs=-1, required=True, metavar="PROTOCOL...", type=click.Path(path_type=Path))
@_SET
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
    protocol = _load(file, overrides)
    return f"ok, {protocol.accrual.patients} patients in {len(protocol.arms)} arms"


def _refuse_overrides(overrides: tuple[str, ...]) -> None:
    """A cohort alone takes no overrides."""
    if overrides:
        raise UsageError("--set changes a protocol; name the protocol and write cohort.KEY=VALUE")


@cli.command()
@_PROTOCOL
@_SET
def describe(protocol: Path, overrides: tuple[str, ...]) -> None:
    """Tell the trial in words and as a timeline, before anything runs; of a cohort, every distribution."""
    from trialsim.spec.load import is_cohort, load_cohort

    if is_cohort(protocol):
        _refuse_overrides(overrides)
        from trialsim.report.describe_cohort import describe_cohort

        click.echo(describe_cohort(load_cohort(protocol)), nl=False)
        return
    from trialsim.report.describe import describe_protocol

    click.echo(describe_protocol(_load(protocol, overrides)))


@cli.command()
@_PROTOCOL
@_SEED
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write.  [default: reports/NAME]")
@_SET
@click.option("--patients", type=click.IntRange(min=1), help="Shorthand for --set accrual.patients=N.")
@_JSON
@_QUIET
def run(
    protocol: Path,
    seed: int,
    out: Path | None,
    overrides: tuple[str, ...],
    patients: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a trial and write its folder: report.html, ADSL, ADTTE, events, summary."""
    if patients is not None:
        overrides = (*overrides, f"accrual.patients={patients}")
    resolved = _load(protocol, overrides)
    destination = out or Path("reports") / resolved.name

    from trialsim import results

    with results.new_folder(destination) as folder:
        with _waiting("Loading the simulator; the first time it is compiled, which takes up to a minute", quiet):
            from trialsim.patient.warm_up import compile_kernels
            from trialsim.trial import run_trial, write_data

            compile_kernels()
        with _progress(f"Simulating {resolved.accrual.patients} patients", quiet) as on_progress:
            trial = run_trial(resolved, seed, on_progress=on_progress)
        with _waiting("Writing the report", quiet):
            from trialsim.report.page import write_report

            write_data(trial, folder, command=_command())
            write_report(folder)
    if as_json:
        click.echo(results.to_json(trial.summary), nl=False)
        return
    from trialsim.analysis import as_text

    click.echo(as_text(trial.analysis))
    click.echo(f"Report: {destination / results.REPORT}")


@cli.command()
@_PROTOCOL
@click.option("--id", "number", type=click.IntRange(min=1), required=True, help="The patient's number, from 1.")
@click.option("--arm", help="Live under this arm.  [default: the arm the trial gives]")
@_SEED
@_SET
@_JSON
@_QUIET
def patient(
    protocol: Path, number: int, arm: str | None, seed: int, overrides: tuple[str, ...], as_json: bool, quiet: bool
) -> None:
    """Tell one patient's story: doses, cells, platelets, scans, cause of relapse."""
    resolved = _load(protocol, overrides)
    if number > resolved.accrual.patients and resolved.accrual.screening.is_idle:
        raise UsageError(f"the trial has {resolved.accrual.patients} patients; there is no number {number}")
    if arm is not None and arm not in resolved.arms:
        raise UsageError(f"no arm is called {arm}; the arms are {', '.join(resolved.arms)}")
    with _waiting("Simulating the patient", quiet):
        from trialsim import results
        from trialsim.patient.cohort import traits_of_trial
        from trialsim.stories import tell_story

        traits = traits_of_trial(resolved, seed=seed)
        story = tell_story(resolved, number, traits, seed=seed, arm=arm)
    if as_json:
        click.echo(results.to_json(story), nl=False)
        return
    from trialsim.report.story import story_text

    click.echo(story_text(story), nl=False)


@cli.command()
@click.argument("data", metavar="DATA.csv")
@click.option("--time", required=True, help="Column with the time to event or censoring.")
@click.option("--event", required=True, help="Column that says whether the event happened.")
@click.option("--arm", required=True, help="Column with the arm.")
@click.option("--strata", multiple=True, help="Column that stratifies (repeat, or separate with commas).")
@click.option(
    "--covariates",
    multiple=True,
    help="Column to adjust for in a Cox model and to show as a subgroup (repeat, or commas).",
)
@click.option("--time-unit", type=click.Choice(["days", "months", "years"]), default="days", show_default=True)
@click.option("--reference", help="The arm that the others are compared with.  [default: chosen by name]")
@click.option("--tau", help="Horizon of RMST, with its unit (1000 d, 36 mo).  [default: the shared follow-up]")
@click.option("--landmark", "landmarks", multiple=True, help="Time at which survival is told (1000 d); repeat.")
@click.option("--sided", type=click.Choice(["1", "2"]), default="2", show_default=True)
@click.option("--alpha", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.05, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for an HTML page and the results.")
@_JSON
@_QUIET
def analyse(data: str, as_json: bool, quiet: bool, out: Path | None, **options: Any) -> None:
    """Compare survival between arms in data that were never simulated.

    DATA.csv is a table with one row per patient; lifelines:NAME takes a data set of lifelines, e.g. lifelines:gbsg2.
    """
    with _waiting("Analysing", quiet):
        from trialsim import results
        from trialsim.analysis import as_text, summarise

        analysis = _analyse(data, options)
    if out is not None:
        from trialsim.report.page import analyse_page

        with results.new_folder(out) as folder:
            page = analyse_page(analysis, f"Survival in {Path(data).name}", _command())
            (folder / results.REPORT).write_text(page, encoding="utf-8")
            results.write_json(folder, results.RESULTS, {"analysis": analysis})
            results.write_json(folder, results.SUMMARY, summarise(analysis))
            manifest = {"trialsim": "analyse", "version": __version__, "command": _command()}
            results.write_json(folder, results.MANIFEST, manifest)
    if as_json:
        click.echo(results.to_json(summarise(analysis)), nl=False)
        return
    click.echo(as_text(analysis))
    if out is not None:
        click.echo(f"Report: {out / results.REPORT}")


def _analyse(data: str, options: dict[str, Any]) -> dict[str, Any]:
    from dataclasses import replace

    from trialsim.analysis import analyse as analyse_data
    from trialsim.analysis import default_plan, from_frame, load_table

    strata, covariates = _names(options["strata"]), _names(options["covariates"])
    loaded = from_frame(
        load_table(data),
        time=options["time"],
        event=options["event"],
        arm=options["arm"],
        strata=strata,
        covariates=covariates,
        time_unit=options["time_unit"],
        reference=options["reference"],
    )
    tau = None if options["tau"] is None else _days("--tau", options["tau"])
    plan = default_plan(
        loaded,
        alpha=options["alpha"],
        sided=int(options["sided"]),
        rmst_tau_days=tau,
        subgroups=covariates,
        adjust_for=covariates,
    )
    if options["landmarks"]:
        asked = tuple(_days("--landmark", words) for words in options["landmarks"])
        plan = replace(plan, landmarks_days=tuple(sorted({*plan.landmarks_days, *asked})))
    return analyse_data(loaded, plan)


@cli.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: one for each processor]")
@_SEED
@click.option("--out", type=click.Path(path_type=Path), help="Folder for an HTML page and the results.")
@click.option("--write", type=click.Path(path_type=Path), help="File for the page of the docs (Markdown).")
@_JSON
@_QUIET
def findings(
    ids: tuple[str, ...], jobs: int | None, seed: int, out: Path | None, write: Path | None, as_json: bool, quiet: bool
) -> None:
    """Run published experiments again: published beside simulated, pass or falls short.

    Without an ID (V01, V02, ...) all of them. The exit code is 4 when one falls short.
    """
    with _waiting("Loading the simulator; the first time it is compiled, which takes up to a minute", quiet):
        from trialsim import results
        from trialsim.studies.findings.registry import choose
        from trialsim.studies.findings.run import run_findings
        from trialsim.studies.findings.text import as_page, as_text

        chosen = choose(ids)
        from trialsim.patient.warm_up import compile_kernels

        compile_kernels()
    with _progress(f"Running {len(chosen)} finding{'s' if len(chosen) != 1 else ''}", quiet) as on_progress:
        found = run_findings(chosen, seed=seed, jobs=jobs or os.cpu_count() or 1, on_progress=on_progress)
    if write is not None:
        _write_text(write, as_page(found))
    if out is not None:
        from trialsim.report.findings import findings_page

        with results.new_folder(out) as folder:
            (folder / results.REPORT).write_text(findings_page(found, _command()), encoding="utf-8")
            results.write_json(folder, results.FINDINGS, found)
            manifest = {"trialsim": "findings", "version": __version__, "seed": seed, "command": _command()}
            results.write_json(folder, results.MANIFEST, manifest)
    click.echo(results.to_json(found) if as_json else as_text(found), nl=not as_json)
    if out is not None and not as_json:
        click.echo(f"Report: {out / results.REPORT}")
    if found["passed"] < found["total"]:
        raise click.exceptions.Exit(NOT_MET)


@cli.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: one for each processor]")
@_SEED
@click.option("--write", type=click.Path(path_type=Path), help="File for the page of the docs (Markdown).")
@_JSON
@_QUIET
def mechanisms(
    ids: tuple[str, ...], jobs: int | None, seed: int, write: Path | None, as_json: bool, quiet: bool
) -> None:
    """Switch every mechanism of the model off and on in the same subjects: what changes, and what does not.

    Without an ID (M1, M2, ...) all of them. The exit code is 4 when one falls short.
    """
    with _waiting("Loading the simulator; the first time it is compiled, which takes up to a minute", quiet):
        from trialsim import results
        from trialsim.studies.mechanisms.registry import choose, registry
        from trialsim.studies.mechanisms.run import run_mechanisms
        from trialsim.studies.mechanisms.text import as_page, as_text

        chosen = choose(ids)
        from trialsim.patient.warm_up import compile_kernels

        compile_kernels()
    words = f"Running {len(chosen)} mechanism{'s' if len(chosen) != 1 else ''}"
    with _progress(words, quiet) as on_progress:
        workers = jobs or os.cpu_count() or 1
        found = run_mechanisms(chosen, registry().margins, seed=seed, jobs=workers, on_progress=on_progress)
    if write is not None:
        _write_text(write, as_page(found))
    click.echo(results.to_json(found) if as_json else as_text(found), nl=not as_json)
    if found["passed"] < found["total"]:
        raise click.exceptions.Exit(NOT_MET)


@cli.command()
@click.argument("folder", metavar="RUN_DIR", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Rebuild the page of a run from its saved results."""
    from trialsim.report.page import write_report

    click.echo(f"Report: {write_report(folder)}")


@cli.command()
@click.argument("folder", metavar="RUN_DIR", type=click.Path(path_type=Path))
@click.option("--format", type=click.Choice(["sbml"]), required=True, expose_value=False, help="What to write.")
@click.option("--patient", "number", type=click.IntRange(min=1), default=1, show_default=True, help="From 1.")
@click.option("--lesion", type=click.IntRange(min=0), help="0 is the local bed.  [default: the first with cells]")
@click.option("--out", type=click.Path(path_type=Path), help="File to write.  [default: standard output]")
def export(folder: Path, number: int, lesion: int | None, out: Path | None) -> None:
    """Write one lesion of a run's patient, at randomisation, as a model for other simulators (SBML)."""
    from trialsim.patient.lesion_export import export_lesion

    exported = export_lesion(folder, number, lesion)
    if exported.network.left_out:
        click.echo(f"Left out, though at work in the patient: {', '.join(exported.network.left_out)}", err=True)
    if out is None:
        click.echo(exported.sbml, nl=False)
        return
    _write_text(out, exported.sbml)
    network = exported.network
    counts = f"{len(network.species)} populations, {len(network.reactions)} reactions"
    click.echo(f"Wrote {out}: patient {exported.patient}, lesion {exported.lesion}, {counts}")


@cli.command()
@click.argument("name", required=False)
@_JSON
def agents(name: str | None, as_json: bool) -> None:
    """List the agent library; with NAME, explain an agent: every number with its range and source."""
    from trialsim import results
    from trialsim.report import describe_agent as tell
    from trialsim.treatment.library import load_library

    library = load_library()
    if name is None:
        summaries = [tell.agent_summary(agent) for agent in library.values()]
        click.echo(results.to_json(summaries) if as_json else tell.list_agents(library), nl=False)
        return
    if name not in library:
        from trialsim.spec.values import did_you_mean

        raise UsageError(f"no agent is called {name}; {did_you_mean(name, library)}")
    agent = library[name]
    click.echo(results.to_json(tell.agent_details(agent)) if as_json else tell.describe_agent(agent), nl=False)


@cli.command()
@click.argument("kind", type=click.Choice(["protocol", "cohort"]))
def schema(kind: str) -> None:
    """Print the JSON Schema (draft 7) of a protocol or cohort file, for editors."""
    from trialsim.results import to_json
    from trialsim.spec.schema import cohort_schema, protocol_schema

    click.echo(to_json(protocol_schema() if kind == "protocol" else cohort_schema()), nl=False)


def _load(protocol: Path, overrides: tuple[str, ...]) -> ResolvedProtocol:
    from trialsim.spec.load import load_protocol
    from trialsim.treatment.library import load_library

    return load_protocol(protocol, load_library(), overrides)


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _names(words: tuple[str, ...]) -> tuple[str, ...]:
    """Column names from repeated options and comma-separated lists."""
    return tuple(name.strip() for word in words for name in word.split(",") if name.strip())


def _days(option: str, words: str) -> float:
    from trialsim.units import UnitError, parse

    try:
        return parse(words, "time")
    except UnitError as error:
        raise UsageError(f"{option} {words}: {error}") from error


def _command() -> str:
    """The command line as typed, so that a report says how to make it again."""
    return shlex.join(["trialsim", *sys.argv[1:]])


@contextmanager
def _waiting(words: str, quiet: bool) -> Iterator[None]:
    """Say on standard error what the user waits for; on a terminal it goes away when done."""
    if quiet:
        yield
        return
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(words):
            yield
    else:
        click.echo(f"{words} ...", err=True)
        yield


@contextmanager
def _progress(words: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on standard error; nothing when quiet or not on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        if not quiet:
            click.echo(f"{words} ...", err=True)
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(words, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
