"""Whether ablation and counterfactuals find what is known to be the cause, in 100 synthetic chains of each kind.

python -m tests.benchmarks.bench_causes [COUNT]
"""

from __future__ import annotations

import sys

from statsmodels.stats.proportion import proportion_confint

from tests.engine.causes import Recovered, moved, spoiler, worker


def main(count: int) -> None:
    workers = [worker(seed) for seed in range(count)]
    cases: dict[str, list[Recovered]] = {
        "largest Shapley share": [one for one, _ in workers],
        "largest effect of removal": [one for _, one in workers],
        "removal mends most": [spoiler(seed) for seed in range(count)],
    }
    crossings = [moved(seed) for seed in range(count)]
    cases["first sparse counterfactual"] = [one for one, _ in crossings]
    for name, found in cases.items():
        right = sum(map(bool, found))
        low, high = proportion_confint(right, count, method="wilson")
        print(f"{name:30} {right} of {count}  [{100 * low:.1f} %, {100 * high:.1f} %]")
        for seed, one in enumerate(found):
            if not one:
                print(f"    chain {seed}: {one.cause}, found {one.found or 'nothing'}")
    trials = sorted(one.trials for _, one in crossings)
    print(f"trials of a counterfactual: median {trials[count // 2]}, at most {trials[-1]}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
