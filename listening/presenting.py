"""Which pages a session rates: its share of the items and systems, in its order, with its slots.

Without a design everything is presented in an order drawn from the session's own seed. With one (listening/scheme.py)
shares and balanced orders are those of the session's row, drawn from the campaign's seed; what is left to chance, such
as ABX's X, is still drawn from the session's, so that a row that is given out again tells nobody anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from listening.design import (
    balanced_orders,
    crossed_order,
    dealing_round,
    dealt,
    dealt_before,
    in_williams_order,
    presentation_order,
    shuffled,
)
from listening.methods.base import Method, PlannedSlot
from listening.models import Campaign, Condition, Stimulus, Trial
from listening.plan import items_never_rated
from listening.scheme import Scheme

Material = dict[Trial, list[Stimulus]]
# of a page: the trial, and its stimuli there by their conditions' names
OnPage = tuple[Trial, dict[str, Stimulus]]
Presented = list[tuple[Trial, list[PlannedSlot]]]
# the trial of a rating page, the repetition, and the slots
Drawn = tuple[Trial, int, list[PlannedSlot]]


def material_of(campaign: Campaign, *, items: Sequence[str] | None = None) -> Material:
    """The trials that are rated, or those of `items`, each with its stimuli."""
    trials = campaign.trials.prefetch_related("stimuli__condition", "stimuli__trial")
    if items is None:
        trials = trials.exclude(item__in=items_never_rated(campaign.plan))
    else:
        trials = trials.filter(item__in=items)
    return {trial: list(trial.stimuli.all()) for trial in trials}


def drawn(
    campaign: Campaign,
    seed: int | str,
    *,
    row: int | None = None,
    material: Material | None = None,
) -> Iterator[Drawn]:
    """Each rating page: every repetition presents all that the session has of the material, in an order of its own."""
    material = material_of(campaign) if material is None else material
    if campaign.design:
        yield from _by_row(campaign, material, str(seed), row or 0)
        return
    seeds = [f"{seed}/{repetition}" for repetition in range(1, campaign.repetitions + 1)]
    for repetition, pages in enumerate(presented(campaign.protocol, material, seeds), start=1):
        for trial, slots in pages:
            yield trial, repetition, slots


def presented(protocol: Method, material: Material, seeds: Sequence[str]) -> list[Presented]:
    """For each of `seeds`, the pages of all trials in an order drawn from it, each with its slots."""
    pages = {seed: _pages(protocol, material, seed) for seed in seeds}
    names = {
        seed: {page: sorted(by_name) for page, (_, by_name) in of_seed.items()}
        for seed, of_seed in pages.items()
    }
    orders = _balanced(protocol, pages, f"{list(seeds)}/orders")
    found: list[Presented] = []
    for seed in seeds:
        found.append([])
        for shown in presentation_order(names[seed], seed=seed):
            trial, by_name = pages[seed][shown.trial]
            place = f"{seed}/{shown.trial}"
            ordered = [by_name[name] for name in orders.get(place, shown.stimuli)]
            found[-1].append((trial, protocol.plan(trial, ordered, seed=place)))
    return found


def _balanced(
    protocol: Method, pages: dict[str, dict[str, OnPage]], seed: str
) -> dict[str, tuple[str, ...]]:
    """Which of two each page presents first, where the method has each first equally often in a session."""
    if not protocol.balanced:
        return {}
    every = {
        f"{of}/{page}": sorted(by_name)
        for of, of_seed in pages.items()
        for page, (_, by_name) in of_seed.items()
    }
    return balanced_orders(every, seed=seed)


def _pages(protocol: Method, material: Material, seed: str) -> dict[str, OnPage]:
    """Every page that the trials need, under a name that no other has."""
    pages = {}
    for trial, every in material.items():
        for together in protocol.judged_together(every, seed=f"{seed}/{trial.number}/blocks"):
            by_name = {stimulus.condition.name: stimulus for stimulus in together}
            part = [] if len(together) == len(every) else [" + ".join(sorted(by_name))]
            pages["/".join([str(trial.number), *part])] = trial, by_name
    return pages


# by a row of the design


def _by_row(campaign: Campaign, material: Material, seed: str, row: int) -> Iterator[Drawn]:
    scheme, protocol = Scheme.of(campaign.design), campaign.protocol
    drawn_from = f"{campaign.seed}/design"
    share = _share(scheme, material, row, drawn_from)
    times = range(1, campaign.repetitions + 1)
    pages = {f"{seed}/{n}": _pages(protocol, share, f"{seed}/{n}") for n in times}
    again = campaign.repetitions + 1
    first = pages[f"{seed}/1"]
    repeated = _repeated(scheme, list(first), row, drawn_from)
    if repeated:
        pages[f"{seed}/{again}"] = {name: first[name] for name in first if name in repeated}
    orders = _balanced(protocol, pages, f"{seed}/orders")

    def shown(name: str, repetition: int) -> Drawn:
        trial, by_name = pages[f"{seed}/{repetition}"][name]
        place = f"{seed}/{repetition}/{name}"
        names = sorted(by_name)
        if place in orders:
            names = list(orders[place])
        elif scheme.order == "williams" and protocol.single_systems:
            nth = row + list(material).index(trial) + repetition - 1
            names = in_williams_order(names, row=nth, seed=f"{drawn_from}/{name}")
        else:
            names = shuffled(names, seed=place)
        return trial, repetition, protocol.plan(trial, [by_name[n] for n in names], seed=place)

    in_order = [
        (name, repetition)
        for repetition in times
        for name in _order(
            scheme, pages[f"{seed}/{repetition}"], row + repetition - 1, seed, drawn_from
        )
    ]
    # in the order in which they were first heard, so that all have about as many pages between
    heard = [name for name, repetition in in_order if repetition == 1]
    second = [(name, again) for name in sorted(repeated, key=heard.index)]
    if second and in_order and second[0][0] == in_order[-1][0]:
        # nothing would lie between: it comes first and last instead
        in_order, second = [*second[:1], *in_order], second[1:]
    yield from (shown(name, repetition) for name, repetition in [*in_order, *second])


def _share(scheme: Scheme, material: Material, row: int, seed: str) -> Material:
    """The row's part of the items, and of each of them its part of the systems; what is no system is always there."""
    names = {str(trial.number): trial for trial in material}
    size = min(scheme.items or len(names), len(names))
    mine = dealt(list(names), size=size, row=row, seed=f"{seed}/items") if names else []
    share = {}
    for place, (name, trial) in enumerate(names.items()):
        if name not in mine:
            continue
        met = dealt_before(name, list(names), size=size, row=row, seed=f"{seed}/items")
        share[trial] = _systems(scheme, material[trial], met, place, f"{seed}/systems")
    return share


def _systems(
    scheme: Scheme, stimuli: list[Stimulus], met: int, place: int, seed: str
) -> list[Stimulus]:
    """Those of an item that was given to `met` listeners before; `place` is the item's number."""
    systems = [one.condition.name for one in stimuli if one.condition.role == Condition.Role.SYSTEM]
    if scheme.systems is None or scheme.systems >= len(systems):
        return stimuli
    # items go through the hands of a round from different ones on, so that a listener meets every system as often
    length = dealing_round(len(systems), scheme.systems)
    whole, nth = divmod(met, length)
    hand = dealt(
        systems, size=scheme.systems, row=whole * length + (nth + place) % length, seed=seed
    )
    return [
        one
        for one in stimuli
        if one.condition.role != Condition.Role.SYSTEM or one.condition.name in hand
    ]


def _repeated(scheme: Scheme, pages: list[str], row: int, seed: str) -> set[str]:
    size = min(scheme.repeats, len(pages))
    if not size:
        return set()
    places = [str(place) for place in range(len(pages))]
    return {
        pages[int(place)] for place in dealt(places, size=size, row=row, seed=f"{seed}/repeats")
    }


def _order(
    scheme: Scheme, pages: dict[str, OnPage], row: int, seed: str, drawn_from: str
) -> Iterator[str]:
    """The names of the pages, block by block."""
    williams = scheme.order == "williams"
    blocks = list(range(max(1, len(scheme.blocks))))
    in_order = (
        in_williams_order(blocks, row=row, seed=f"{drawn_from}/blocks")
        if williams
        else shuffled(blocks, seed=f"{seed}/{row}/blocks")
    )
    for block in in_order:
        of_block = {
            name: page for name, page in pages.items() if scheme.block_of(page[0].item) == block
        }
        if williams:
            yield from _williams(of_block, row, f"{drawn_from}/pages")
        else:
            yield from shuffled(list(of_block), seed=f"{seed}/{row}/pages")


def _williams(pages: dict[str, OnPage], row: int, seed: str) -> list[str]:
    """Pages in an order balanced for what follows what: conditions where a page has one, else the pages."""
    single = {
        (next(iter(by_name)), str(trial.number)): name
        for name, (trial, by_name) in pages.items()
        if len(by_name) == 1
    }
    if len(single) < len(pages) or len(pages) < 2:
        return in_williams_order(list(pages), row=row, seed=seed) if pages else []
    conditions, items = ({key[n]: None for key in single} for n in (0, 1))
    every = crossed_order(list(conditions), list(items), row=row, seed=seed)
    # an item that lacks a condition has no page of it
    return [single[key] for key in every if key in single]
