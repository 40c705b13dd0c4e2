"""Commands that run many simulated subjects and judge what comes out."""

from __future__ import annotations

import os
from pathlib import Path

import click

from trialsim import __version__
from trialsim.cli.options import JSON, PROTOCOL, QUIET, SEED, SET, typed_command, write_text
from trialsim.cli.progress import progress, waiting

NOT_MET = 4

_JOBS = click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: one for each processor]")
_PATIENTS = click.option(
    "--patients", type=click.IntRange(min=1), default=2000, show_default=True, help="Patients under each arm."
)
_LOADING = "Loading the simulator; the first time it is compiled, which takes up to a minute"


def _workers(jobs: int | None) -> int:
    """As many processes as are asked for, or one for each processor."""
    return jobs or os.cpu_count() or 1


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@_JOBS
@SEED
@click.option("--out", type=click.Path(path_type=Path), help="Folder for an HTML page and the results.")
@click.option("--write", type=click.Path(path_type=Path), help="File for the page of the docs (Markdown).")
@JSON
@QUIET
def findings(
    ids: tuple[str, ...], jobs: int | None, seed: int, out: Path | None, write: Path | None, as_json: bool, quiet: bool
) -> None:
    """Run published experiments again: published beside simulated, pass or falls short.

    Without an ID (V01, V02, ...) all of them. The exit code is 4 when one falls short.
    """
    with waiting(_LOADING, quiet):
        from trialsim import results
        from trialsim.studies.findings.registry import choose
        from trialsim.studies.findings.run import run_findings
        from trialsim.studies.findings.text import as_page, as_text

        chosen = choose(ids)
        from trialsim.patient.warm_up import compile_kernels

        compile_kernels()
    with progress(f"Running {len(chosen)} finding{'s' if len(chosen) != 1 else ''}", quiet) as on_progress:
        found = run_findings(chosen, seed=seed, jobs=_workers(jobs), on_progress=on_progress)
    if write is not None:
        write_text(write, as_page(found))
    if out is not None:
        from trialsim.report.findings import findings_page

        with results.new_folder(out) as folder:
            (folder / results.REPORT).write_text(findings_page(found, typed_command()), encoding="utf-8")
            results.write_json(folder, results.FINDINGS, found)
            manifest = {"trialsim": "findings", "version": __version__, "seed": seed, "command": typed_command()}
            results.write_json(folder, results.MANIFEST, manifest)
    click.echo(results.to_json(found) if as_json else as_text(found), nl=not as_json)
    if out is not None and not as_json:
        click.echo(f"Report: {out / results.REPORT}")
    if found.passed < found.total:
        raise click.exceptions.Exit(NOT_MET)


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@_JOBS
@SEED
@click.option("--write", type=click.Path(path_type=Path), help="File for the page of the docs (Markdown).")
@JSON
@QUIET
def mechanisms(
    ids: tuple[str, ...], jobs: int | None, seed: int, write: Path | None, as_json: bool, quiet: bool
) -> None:
    """Switch every mechanism of the model off and on in the same subjects: what changes, and what does not.

    Without an ID (M1, M2, ...) all of them. The exit code is 4 when one falls short.
    """
    with waiting(_LOADING, quiet):
        from trialsim import results
        from trialsim.studies.mechanisms.registry import choose, registry
        from trialsim.studies.mechanisms.run import run_mechanisms
        from trialsim.studies.mechanisms.text import as_page, as_text

        chosen = choose(ids)
        from trialsim.patient.warm_up import compile_kernels

        compile_kernels()
    words = f"Running {len(chosen)} mechanism{'s' if len(chosen) != 1 else ''}"
    with progress(words, quiet) as on_progress:
        found = run_mechanisms(chosen, registry().margins, seed=seed, jobs=_workers(jobs), on_progress=on_progress)
    if write is not None:
        write_text(write, as_page(found))
    click.echo(results.to_json(found) if as_json else as_text(found), nl=not as_json)
    if found.passed < found.total:
        raise click.exceptions.Exit(NOT_MET)


@click.command()
@PROTOCOL
@_PATIENTS
@_JOBS
@SEED
@SET
@JSON
@QUIET
def twins(
    protocol: Path,
    patients: int,
    jobs: int | None,
    seed: int,
    overrides: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Live the same patients under every arm: who is saved, who is harmed, who never needed it."""
    from trialsim.studies.scope import admit
    from trialsim.treatment.library import load_library

    resolved, unused = admit(protocol, load_library(), overrides)
    with waiting(_LOADING, quiet):
        from trialsim import results
        from trialsim.patient.warm_up import compile_kernels
        from trialsim.studies.contrasts import twins_run
        from trialsim.studies.tables import twins_text
        from trialsim.studies.twins import live_twins

        compile_kernels()
    words = f"Living {patients} patients under {len(resolved.arms)} arms"
    with progress(words, quiet) as on_progress:
        lived = live_twins(resolved, patients, seed=seed, jobs=_workers(jobs), on_progress=on_progress)
    found = twins_run(resolved, lived, patients, seed, unused)
    click.echo(results.to_json(found) if as_json else twins_text(found), nl=not as_json)


@click.command()
@PROTOCOL
@click.option("--vary", "varied", multiple=True, required=True, metavar="KEY=V1,V2,...", help="Values to go through.")
@_PATIENTS
@_JOBS
@SEED
@SET
@JSON
@QUIET
def sweep(
    protocol: Path,
    varied: tuple[str, ...],
    patients: int,
    jobs: int | None,
    seed: int,
    overrides: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Vary values of a protocol and live the same patients under every arm at each.

    KEY is a path as for --set; several --vary make a grid. Differences are within patients.
    """
    from trialsim.studies.sweep import read_grid
    from trialsim.treatment.library import load_library

    points = read_grid(protocol, load_library(), varied, overrides)
    with waiting(_LOADING, quiet):
        from trialsim import results
        from trialsim.patient.warm_up import compile_kernels
        from trialsim.studies.sweep import run_sweep
        from trialsim.studies.tables import sweep_text

        compile_kernels()
    words = f"Living {patients} patients at {len(points)} point{'s' if len(points) != 1 else ''}"
    with progress(words, quiet) as on_progress:
        found = run_sweep(points, patients, seed=seed, jobs=_workers(jobs), on_progress=on_progress)
    click.echo(results.to_json(found) if as_json else sweep_text(found), nl=not as_json)
