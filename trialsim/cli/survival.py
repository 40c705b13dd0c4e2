"""The command that analyses data which were never simulated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trialsim import __version__
from trialsim.cli.options import JSON, QUIET, days, names, typed_command
from trialsim.cli.progress import waiting

if TYPE_CHECKING:
    from trialsim.reported.analysis import SurvivalAnalysis


@click.command()
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
@click.option("--reference", help="The arm that the others are compared with.  [default: control, placebo, ...; told]")
@click.option(
    "--missing", multiple=True, help="Code of a missing value, e.g. NA (repeat, or commas); else empty cells."
)
@click.option("--tau", help="Horizon of RMST, with its unit (1000 d, 36 mo).  [default: the shared follow-up]")
@click.option("--landmark", "landmarks", multiple=True, help="Time at which survival is told (1000 d); repeat.")
@click.option("--sided", type=click.Choice(["1", "2"]), default="2", show_default=True)
@click.option("--alpha", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.05, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for an HTML page and the results.")
@JSON
@QUIET
def analyse(data: str, as_json: bool, quiet: bool, out: Path | None, **options: Any) -> None:
    """Compare survival between arms in data that were never simulated.

    DATA.csv is a table with one row per patient; lifelines:NAME takes a data set of lifelines, e.g. lifelines:gbsg2.
    """
    with waiting("Analysing", quiet):
        from trialsim import results
        from trialsim.analysis import as_text, summarise

        analysis = _analyse(data, options)
    if out is not None:
        from trialsim.report.page import analyse_page

        with results.new_folder(out) as folder:
            page = analyse_page(analysis, f"Survival in {Path(data).name}", typed_command())
            (folder / results.REPORT).write_text(page, encoding="utf-8")
            results.write_json(folder, results.RESULTS, {"analysis": analysis})
            results.write_json(folder, results.SUMMARY, summarise(analysis))
            manifest = {"trialsim": "analyse", "version": __version__, "command": typed_command()}
            results.write_json(folder, results.MANIFEST, manifest)
    if as_json:
        click.echo(results.to_json(summarise(analysis)), nl=False)
        return
    click.echo(as_text(analysis))
    if out is not None:
        click.echo(f"Report: {out / results.REPORT}")


def _analyse(data: str, options: dict[str, Any]) -> SurvivalAnalysis:
    from dataclasses import replace

    from trialsim.analysis import analyse as analyse_data
    from trialsim.analysis import default_plan, from_frame, load_table

    strata, covariates = names(options["strata"]), names(options["covariates"])
    loaded = from_frame(
        load_table(data, names(options["missing"])),
        time=options["time"],
        event=options["event"],
        arm=options["arm"],
        strata=strata,
        covariates=covariates,
        time_unit=options["time_unit"],
        reference=options["reference"],
    )
    tau = None if options["tau"] is None else days("--tau", options["tau"])
    plan = default_plan(
        loaded,
        alpha=options["alpha"],
        sided=int(options["sided"]),
        rmst_tau_days=tau,
        subgroups=covariates,
        adjust_for=covariates,
    )
    if options["landmarks"]:
        asked = tuple(days("--landmark", words) for words in options["landmarks"])
        plan = replace(plan, landmarks_days=tuple(sorted({*plan.landmarks_days, *asked})))
    return analyse_data(loaded, plan)
