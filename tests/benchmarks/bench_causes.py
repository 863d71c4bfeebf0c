"""Whether ablation and counterfactuals find what is known to be the cause, in 100 synthetic chains of each kind.

python -m tests.benchmarks.bench_causes [COUNT [FIRST SEED]]
"""

from __future__ import annotations

import sys

from statsmodels.stats.proportion import proportion_confint

from tests.engine.causes import Recovered, moved, spoiler, worker


def main(count: int, first: int) -> None:
    seeds = range(first, first + count)
    workers = [worker(seed) for seed in seeds]
    cases: dict[str, list[Recovered]] = {
        "largest Shapley share": [one for one, _ in workers],
        "largest effect of removal": [one for _, one in workers],
        "removal mends most": [spoiler(seed) for seed in seeds],
    }
    crossings = [moved(seed) for seed in seeds]
    cases["first sparse counterfactual"] = [one for one, _ in crossings]
    for name, found in cases.items():
        right = sum(map(bool, found))
        print(f"{name:30} {_said(right, count)}")
        for seed, one in enumerate(found, start=first):
            if not one:
                and_so = ", which makes the same sound and is named beside it" if one.same else ""
                print(f"    chain {seed}: {one.cause}, found {one.found or 'nothing'}{and_so}")
        if same := sum(one.same for one in found):
            print(f"    the cause or its like: {_said(right + same, count)}")
    trials = sorted(one.trials for _, one in crossings)
    print(f"trials of a counterfactual: median {trials[count // 2]}, at most {trials[-1]}")


def _said(right: int, count: int) -> str:
    low, high = proportion_confint(right, count, method="wilson")
    return f"{right} of {count}  [{100 * low:.1f} %, {100 * high:.1f} %]"


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(*(given + [100, 0][len(given) :]))
