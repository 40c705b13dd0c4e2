"""How evenly patients were allocated: a sentence and a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialsim.report.numbers import words
from trialsim.report.tables import Table

#: What a method is called.
METHODS = {"blocks": "permuted blocks", "simple": "chance alone", "minimisation": "minimisation"}


def allocation_table(data: Mapping[str, Any] | None, labels: Mapping[str, str]) -> Table | None:
    """Patients by arm and level, with the imbalance of each group; None for a run that did not count them."""
    if not data:
        return None
    rows: list[tuple[str, ...]] = []
    heading = ""
    for row in data["rows"]:
        if row["factor"] != heading:
            heading = row["factor"]
            rows.append((words(heading),))
        name = f"  {words(row['level'])}" if heading else "All patients"
        rows.append((name, *(f"{row['arms'][arm]:,}" for arm in labels), f"{row['imbalance']:.1f}"))
    note = (
        f"By {METHODS[data['method']]}. Imbalance: the largest difference, over arms, from the patients that the ratio "
        f"would have given; at most {data['largest_in_stratum']:.1f} in a stratum"
    )
    site = f" and {data['largest_at_a_site']:.1f} at a site." if "largest_at_a_site" in data else "."
    return Table("Allocation", ("", *labels.values(), "Imbalance"), tuple(rows), note + site)
