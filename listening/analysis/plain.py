"""Results as plain data for JSON and as plain text for a terminal; a missing number is null here and – there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

MISSING = "–"
# below this a p-value is mostly the error of its computation
SMALLEST_P = 1e-15

Format = Callable[[Any], str]


def plain(value: object) -> Any:
    """`value` with NumPy's and pandas' types made Python's, frames made lists of records, NaN made None."""
    if isinstance(value, pd.DataFrame):
        return [plain(record) for record in value.to_dict("records")]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def number(digits: int = 2) -> Format:
    # z: what rounds to nothing has no sign
    return lambda value: f"{float(value):z.{digits}f}".replace("-", "−")


def figures(value: float, digits: int = 4) -> str:
    """To `digits` significant figures, for numbers whose sizes differ by orders of magnitude; hertz stay whole."""
    text = f"{value:z.{digits}g}"
    if "e+" in text and abs(value) < 1e7:
        text = f"{value:.0f}"
    return text.replace("-", "−")


def beyond(z: float) -> str:
    """How far apart two are in standard errors, and which way."""
    return f"{number(1)(abs(z))} standard errors {'worse' if z < 0 else 'better'}"


def signed(text: str) -> str:
    """`text` with minus signs before its numbers, and hyphens left within names."""
    return re.sub(r"(?<!\w)-(?=\d)", "−", text)


def whole(value: float) -> str:
    return f"{float(value):z.0f}"


def p_value(value: float) -> str:
    if value < SMALLEST_P:
        return "< 1e-15"
    return f"{value:.2e}" if value < 1e-4 else f"{value:.4f}"


def interval(
    frame: pd.DataFrame, low: str, high: str, *, digits: int = 2
) -> tuple[pd.Series, Format]:
    """A column for `table` of intervals, [low, high]; missing where an end is."""
    fmt = number(digits)
    ends = [
        f"[{fmt(a)}, {fmt(b)}]" if np.isfinite(a) and np.isfinite(b) else None
        for a, b in zip(frame[low], frame[high], strict=True)
    ]
    return pd.Series(ends, index=frame.index, dtype=object), lambda text: text


def table(columns: Mapping[str, tuple[pd.Series, Format]]) -> str:
    """Lay out columns (heading → values and their format) as aligned text: names (`str`) to the left."""
    cells = {
        heading: [MISSING if pd.isna(v) else fmt(v) for v in values]
        for heading, (values, fmt) in columns.items()
    }
    laid = []
    for heading, (_, fmt) in columns.items():
        width = max(len(text) for text in [heading, *cells[heading]])
        align = str.ljust if fmt is str else str.rjust
        laid.append([align(text, width) for text in [heading, *cells[heading]]])
    return "\n".join("  ".join(line).rstrip() for line in zip(*laid, strict=True))
