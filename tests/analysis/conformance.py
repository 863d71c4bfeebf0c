"""The table of the guide that says how many of R's figures the tests of this room reproduce, file by file.

Run: `python -m tests.analysis.conformance` runs these tests and writes the table anew; test_witnesses.py fails when it
is not current. A figure that is neither compared nor left out with a reason fails too.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.analysis.ledger import Ledger
from tests.analysis.trees import leaves
from tests.conftest import SHARED

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "listening" / "guide" / "5-statistics.md"
HEADING = "| File of results | Figures | Reproduced | Left out |\n|---|---|---|---|\n"
# set while the table is written anew
WRITING = "EARWITNESS_WRITE_CONFORMANCE"

# pattern of paths: what is left out, and why
LEFT_OUT: dict[str, dict[str, str]] = {
    "mushra": {
        r"/(q[13]_type7|skewness_g1)$": "quantiles and skewness by another definition than the Recommendation's",
        r"/mauchly_": "Mauchly's test, which decides nothing here",
        r"/profile_ci95/": "profile intervals",
        r"/emmeans_kenward_roger/": "Kenward-Roger's degrees of freedom",
        r"/blup_": "single listeners' and items' effects",
        r"/se_naive_iid_bootstrap$": "the bootstrap over ratings, which nobody should use",
        r"/p_wilcoxon_normal_corrected$": "the normal approximation with continuity correction, beside the exact test",
        r"/p_signflip_exact_greater$|/att3_p_two_sided_abs_ge$": "the other side of a permutation test",
        r"/att3_(B|mc_se_max)$": "R's own number of permutations and its error",
        r"/heading$": "R's headings",
    },
    "abx": {r"^/sample_size/\d+/p$": "what R was asked"},
    "mos": {r"^/clmm_logit_laplace/": "the ordinal mixed model (`clmm`)"},
    "reliability": {r"^/mean_pairwise_": "mean correlation of pairs of listeners"},
}
FILES = (
    "mushra",
    "postscreen_edges",
    "bs1116",
    "replicates",
    "abx",
    "abpref",
    "mos",
    "reliability",
    "p1401",
    "sequential",
    "power",
)


def witnesses() -> set[Path]:
    """The modules of tests that hold something to R."""
    return {path for path in HERE.glob("test_*.py") if ".expected(" in path.read_text()}


def unaccounted(ledger: Ledger) -> list[str]:
    """Figures that no test has compared and nothing here leaves out."""
    return [
        f"{name}:{path}"
        for name in FILES
        for path in sorted(_figures(ledger, name) - ledger.compared.get(name, set()))
        if _reason(name, path) is None
    ]


def _figures(ledger: Ledger, name: str) -> set[str]:
    return {path for path, _ in leaves(ledger.read(name))}


def _reason(name: str, path: str) -> str | None:
    return next(
        (why for pattern, why in LEFT_OUT.get(name, {}).items() if re.search(pattern, path)), None
    )


def table(ledger: Ledger) -> str:
    """Return the table's rows and their sum."""
    total: Counter[str] = Counter()
    lines = []
    for name in FILES:
        figures = _figures(ledger, name)
        reasons = Counter(why for path in figures if (why := _reason(name, path)))
        compared = {path for path in ledger.compared.get(name, set()) if not _reason(name, path)}
        left = "; ".join(f"{n} {why}" for why, n in sorted(reasons.items()))
        lines.append(f"| `{name}.json` | {len(figures)} | {len(compared)} | {left or '–'} |")
        total.update(figures=len(figures), compared=len(compared), left=sum(reasons.values()))
    lines.append(f"| all | {total['figures']} | {total['compared']} | {total['left']} |")
    return HEADING + "\n".join(lines) + "\n"


def page(ledger: Ledger) -> str:
    """Return the guide's page with its table made anew."""
    before, _, after = PAGE.read_text(encoding="utf-8").partition(HEADING)
    rest = after.partition("\n\n")[2]
    return before + table(ledger) + (f"\n{rest}" if rest else "")


def main() -> int:
    if not SHARED.is_dir():
        print("left as it is: the reference set (../shared) is not here")
        return 0
    os.environ[WRITING] = "1"
    return int(pytest.main([*map(str, sorted(witnesses())), str(HERE / "test_witnesses.py"), "-q"]))


if __name__ == "__main__":
    sys.exit(main())
