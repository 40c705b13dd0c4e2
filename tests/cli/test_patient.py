"""`trialsim patient`: what a story and the run's tables tell of the same patient."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path

import pandas as pd
from click.testing import CliRunner

from trialsim.cli import cli
from trialsim.records import EventKind

PROTOCOLS = Path(__file__).parents[2] / "protocols"
FIRST = PROTOCOLS / "first-trial.yaml"
#: A patient of `FIRST` (seed 1) whose relapse the scan called early.
EARLY = 178


@lru_cache
def told(*words: object) -> str:
    result = CliRunner().invoke(cli, ["patient", *map(str, words), "--quiet"], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_a_relapse_called_early_is_told_so() -> None:
    """Catches a lesion of 949,221,181 cells of which the story says when it reached a thousand million."""
    words = " ".join(told(FIRST, "--id", EARLY).split())
    assert "the scan called it early: 949,221,181 cells, below the detection limit of 10⁹." in words
    assert "had reached the detection limit" not in words
    story = json.loads(told(FIRST, "--id", EARLY, "--json"))
    assert story["relapse"]["latent_day"] is None
    assert (story["relapse"]["cells"], story["relapse"]["limit"]) == (949221181.0, 1e9)
    assert all(lesion["crossed_limit_day"] is None for lesion in story["lesions"])


def test_a_run_has_no_true_day_where_its_scans_were_early(tmp_path: Path) -> None:
    """Catches a true day of exactly those lesions that are below the limit: RELLATDY and AVALSIM are empty just for
    them, by the true cells in the log."""
    words = ["run", str(FIRST), "--out", str(tmp_path / "run"), "--quiet"]
    assert CliRunner().invoke(cli, words, catch_exceptions=False).exit_code == 0
    adsl, adtte, events = (pd.read_csv(tmp_path / "run" / f"{name}.csv") for name in ("adsl", "adtte", "events"))
    cells = events[events["kind"] == str(EventKind.RELAPSE)].set_index("USUBJID")["value"]
    limit = 1e9
    relapsed = adsl.set_index("USUBJID").loc[cells.index]
    # A lesion that had crossed may have shrunk since; one that never had is below the limit.
    early = relapsed.index[relapsed["RELLATDY"].isna()]
    assert f"first-trial-{EARLY:05d}" in early
    assert (cells[early] < limit).all()
    times = adtte[(adtte["PARAMCD"] == "RFS") & adtte["USUBJID"].isin(cells.index)].set_index("USUBJID")["AVALSIM"]
    assert sorted(times.index[times.isna()]) == sorted(early)
    late = relapsed.index.difference(early)
    detected = events[events["kind"] == str(EventKind.RELAPSE)].set_index("USUBJID")["study_day"]
    assert len(late) > len(early) > 0
    assert (times[late] < detected[late]).all()


def test_a_story_counts_platelets_as_platelets(tmp_path: Path) -> None:
    """Catches counts of neutrophils among those of platelets: a nadir of 3 that nobody had."""
    path = tmp_path / "both.yaml"
    text = FIRST.read_text(encoding="utf-8").replace("../cohorts", str(PROTOCOLS.parent / "cohorts"))
    path.write_text(text.replace("cycles: 4}\n\narms", "cycles: 4, rules: chemotherapy-neutrophils}\n\narms"))
    story = json.loads(told(path, "--id", 3, "--arm", "senolytic", "--json"))
    assert len(story["platelets"]["value"]) > 3
    assert min(story["platelets"]["value"]) > 20.0
    assert not any(math.isnan(count) for count in story["platelets"]["value"])
