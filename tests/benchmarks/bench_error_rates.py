"""How often the default model finds a difference between two equal systems, and the model without its interactions.

Run: `python -m tests.benchmarks.bench_error_rates [CAMPAIGNS]`, 10,000 unless another number is given. Every campaign
has 20 listeners and 10 items drawn anew; 5 % is promised. The guide on statistics gives the figure.
"""

from __future__ import annotations

import os
import sys

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")})

from scipy import stats  # noqa: E402

from listening.analysis.crossed import TERMS  # noqa: E402
from tests.analysis.test_mixed import CROSSED, type_one_errors  # noqa: E402


def main() -> None:
    campaigns = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for name, terms in (("default, maximal", TERMS), ("listener and item only", CROSSED)):
        share = type_one_errors(terms, campaigns, seed=20)
        found = round(share * campaigns)
        low, high = stats.binomtest(found, campaigns).proportion_ci(method="wilson")
        print(f"{name:24} {share:7.2%} [{low:.2%}, {high:.2%}] of {campaigns:,} campaigns")


if __name__ == "__main__":
    main()
