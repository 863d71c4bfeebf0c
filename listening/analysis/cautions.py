"""What a scale may have hidden: ratings at its end, and a panel too small to find what matters."""

from __future__ import annotations

import pandas as pd

from listening.analysis.comparison import Comparison
from listening.analysis.frames import METHODS, AnalysisError
from listening.analysis.plain import number

# of a system's ratings at one end of the scale; beyond it, differences there cannot show
AT_THE_END = 0.3
# of the scale: half of a quality band, which most tests are made to find
WORTH_FINDING = 0.1


def cautions(kept: pd.DataFrame, compared: Comparison) -> tuple[str, ...]:
    """One sentence for each system whose ratings crowd at an end of its method's scale, and one where the panel would
    miss a difference of a tenth of the scale. `kept` holds one method's ratings as they were given.

    Raises `AnalysisError` for several methods.
    """
    methods = kept["method"].unique()
    if len(methods) != 1:
        raise AnalysisError(f"cautions: expected ratings by one method, found {len(methods)}")
    kind = METHODS[str(methods[0])]
    found = []
    systems = kept[kept["role"] == "system"]
    for name, rating in systems.groupby("condition", sort=False, observed=True)["rating"]:
        for end, word in ((kind.high, "highest"), (kind.low, "lowest")):
            if (share := float((rating == end).mean())) > AT_THE_END:
                found.append(
                    f"{name}: {100 * share:.0f} % of its ratings are the {word} there is ({end:g}); differences beyond "
                    "the end of the scale cannot show"
                )
    detectable = compared.pairs["detectable"].dropna()
    worth = WORTH_FINDING * (kind.high - kind.low)
    if len(detectable) and detectable.max() > worth:
        found.append(
            f"this panel finds a difference of {number(1)(worth)} points less than four times of five: for "
            f"{int((detectable > worth).sum())} of {len(detectable)} pairs it takes up to "
            f"{number(1)(detectable.max())} points; that no difference is shown says little"
        )
    return tuple(found)
