"""Commands that run a trial, and those that go on from what it left."""

from __future__ import annotations

from pathlib import Path

import click

from trialsim.cli.options import JSON, PROTOCOL, QUIET, SEED, SET, load, typed_command, write_text
from trialsim.cli.progress import progress, waiting
from trialsim.errors import UsageError


@click.command()
@PROTOCOL
@SEED
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write.  [default: reports/NAME]")
@SET
@click.option("--patients", type=click.IntRange(min=1), help="Shorthand for --set accrual.patients=N.")
@JSON
@QUIET
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
    resolved = load(protocol, overrides)
    destination = out or Path("reports") / resolved.name

    from trialsim import results

    results.check_place(destination)
    with waiting("Loading the simulator; the first time it is compiled, which takes up to a minute", quiet):
        from trialsim.patient.warm_up import compile_kernels
        from trialsim.trial import run_trial, write_data

        compile_kernels()
    with progress(f"Simulating {resolved.accrual.patients} patients", quiet) as on_progress:
        trial = run_trial(resolved, seed, on_progress=on_progress)
    with waiting("Writing the report", quiet), results.new_folder(destination) as folder:
        from trialsim.report.page import write_report

        write_data(trial, folder, command=typed_command())
        write_report(folder, (trial.protocol, trial.shown, trial.summary))
    if as_json:
        click.echo(results.to_json(trial.summary), nl=False)
        return
    from trialsim.analysis import as_text

    click.echo(as_text(trial.analysis))
    click.echo(f"Report: {destination / results.REPORT}")


@click.command()
@PROTOCOL
@click.option("--id", "number", type=click.IntRange(min=1), required=True, help="The patient's number, from 1.")
@click.option("--arm", help="Live under this arm.  [default: the arm the trial gives]")
@SEED
@SET
@JSON
@QUIET
def patient(
    protocol: Path, number: int, arm: str | None, seed: int, overrides: tuple[str, ...], as_json: bool, quiet: bool
) -> None:
    """Tell one patient's story: doses, cells, platelets, scans, cause of relapse."""
    resolved = load(protocol, overrides)
    if number > resolved.accrual.patients and resolved.accrual.screening.is_idle:
        raise UsageError(f"the trial has {resolved.accrual.patients} patients; there is no number {number}")
    if arm is not None and arm not in resolved.arms:
        raise UsageError(f"no arm is called {arm}; the arms are {', '.join(resolved.arms)}")
    with waiting("Simulating the patient", quiet):
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


@click.command()
@click.argument("folder", metavar="RUN_DIR", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Rebuild the page of a run from its saved results."""
    from trialsim.report.page import write_report

    click.echo(f"Report: {write_report(folder)}")


@click.command()
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
    write_text(out, exported.sbml)
    network = exported.network
    counts = f"{len(network.species)} populations, {len(network.reactions)} reactions"
    click.echo(f"Wrote {out}: patient {exported.patient}, lesion {exported.lesion}, {counts}")
