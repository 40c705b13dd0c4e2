"""Tables as CSV text whose bytes depend on the table only."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def csv_text(frame: pd.DataFrame, decimals: Mapping[str, int] | None = None) -> str:
    r"""CSV with ``\n`` line ends and missing values empty.

    Floating-point columns named in ``decimals`` have that many decimals; the others six significant digits.
    """
    decimals = decimals or {}
    written: dict[str, object] = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_float_dtype(column):
            form = f"%.{decimals[name]}f" if name in decimals else "%.6g"
            written[name] = [form % x if x == x else "" for x in column.tolist()]
        else:
            written[name] = column
    return str(pd.DataFrame(written, columns=frame.columns).to_csv(index=False, lineterminator="\n"))
