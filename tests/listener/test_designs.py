"""Campaigns with a design: shares and orders come out even, and what is left to chance is the session's own."""

from __future__ import annotations

import uuid
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from django.urls import reverse

from listening import balance, evidence, presenting, sessions
from listening.analysis.performance import performance
from listening.models import Campaign
from listening.models.campaign import CampaignError
from tests.factories import SMALL, abx_campaign, account, mushra_campaign, small_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def designed(campaign: Campaign, **design) -> Campaign:
    Campaign.objects.filter(pk=campaign.pk).update(design=design)
    campaign.refresh_from_db()
    assert campaign.problems() == []
    return campaign


def counts(campaign: Campaign, n: int | None = None) -> balance.Balance:
    return balance.counted(campaign, balance.planned(campaign, n or balance.round_of(campaign)))


@pytest.mark.parametrize("method", ["mushra", "acr", "bs2132", "dcr", "p835"])
@pytest.mark.parametrize("items", [2, 3])
def test_a_williams_design_is_even_after_its_round(method, items):
    found = counts(designed(small_campaign(method, items=items, launched=False), order="williams"))
    assert found.of_cells.even
    assert found.of_places.even
    assert found.of_places.fewest > 0
    assert found.of_stimulus_places.even or not found.follows_on_screen
    assert found.of_follows.even or not found.follows_on_screen


def test_on_screen_every_condition_follows_every_other_equally_often():
    campaign = designed(mushra_campaign(items=2, launched=False), order="williams")
    found = counts(campaign)
    # five conditions take ten rows
    assert found.sessions == 10
    assert found.of_follows.fewest == found.of_follows.most == 4
    assert not np.diag(found.follows).any()
    for item in ("tone 1", "tone 2"):
        everything = balance.planned(campaign, 10)
        heard = everything[everything["item"] == item]
        heard = heard.sort_values(["session", "position"])
        follows: Counter[tuple[str, str]] = Counter()
        for _, of_session in heard.groupby("session"):
            follows.update(pairwise(of_session["condition"]))
        assert set(follows.values()) == {2}
        assert len(follows) == 20


@pytest.mark.parametrize(("items", "systems"), [(2, 1), (3, 1), (1, 1), (3, 2), (2, 2)])
def test_shares_are_even_after_their_round_and_small(items, systems):
    campaign = designed(mushra_campaign(items=3, launched=False), items=items, systems=systems)
    found = counts(campaign)
    assert found.pages == balance.Spread(items, items)
    for name in ("system one", "system two"):
        assert balance.Spread(int(found.cells[name].min()), int(found.cells[name].max())).even
    # the hidden reference and the anchors are on every page
    times = found.sessions * items // 3
    assert set(found.cells["reference"]) == {times}
    assert set(found.cells["system one"]) == {times * systems // 2}


def test_a_listener_meets_every_system_equally_often():
    campaign = designed(mushra_campaign(items=4, launched=False), systems=1)
    frame = balance.planned(campaign, 8)
    for _, of_session in frame.groupby("session"):
        heard = Counter(of_session["condition"])
        assert heard["system one"] == heard["system two"] == 2


def test_some_pages_come_twice_with_the_others_between_and_all_in_turn():
    campaign = designed(mushra_campaign(items=4, launched=False), repeats=1)
    repeated: Counter[str] = Counter()
    for row in range(4):
        pages = [
            (trial.item, repetition)
            for trial, repetition, _ in presenting.drawn(campaign, f"seed {row}", row=row)
        ]
        assert len(pages) == 5
        (twice,) = [item for item, n in Counter(item for item, _ in pages).items() if n == 2]
        repeated[twice] += 1
        places = [place for place, (item, _) in enumerate(pages) if item == twice]
        assert places[1] - places[0] > 1
        assert {repetition for item, repetition in pages if item == twice} == {1, 2}
    assert set(repeated.values()) == {1}
    assert len(repeated) == 4


def test_items_of_a_block_are_heard_together_and_blocks_take_turns():
    blocks = [["tone 1", "tone 4"], ["tone 2", "tone 3"]]
    campaign = designed(mushra_campaign(items=4, launched=False), order="williams", blocks=blocks)
    first: Counter[bool] = Counter()
    for row in range(4):
        items = [trial.item for trial, _, _ in presenting.drawn(campaign, 1, row=row)]
        assert sorted([sorted(items[:2]), sorted(items[2:])]) == sorted(map(sorted, blocks))
        first[items[0] in blocks[0]] += 1
    assert first[True] == first[False] == 2


def test_a_row_is_the_same_whoever_hears_it_but_for_what_is_left_to_chance():
    campaign = designed(abx_campaign(items=6, launched=False), order="williams")
    one, other = (list(presenting.drawn(campaign, seed, row=3)) for seed in ("a", "b"))
    assert [trial for trial, _, _ in one] == [trial for trial, _, _ in other]
    xs = [[slots[2].stimulus for _, _, slots in pages] for pages in (one, other)]
    assert xs[0] != xs[1]


def test_the_realised_order_is_stored_and_counted():
    campaign = designed(mushra_campaign(items=2, launched=False), order="williams")
    campaign.launch(actor="alice")
    for _ in range(3):
        session = sessions.start(campaign)
        for page in session.pages.all():
            session.finish_page(page)
    assert list(campaign.sessions.values_list("row", flat=True)) == [0, 1, 2]
    done, planned = balance.realised(campaign), balance.planned(campaign, 3)
    columns = ["page", "item", "condition", "position"]
    assert done[columns].values.tolist() == planned[columns].values.tolist()


@pytest.mark.parametrize(
    ("design", "problem"),
    [
        ({"order": "latin"}, "expected order to be one of random, williams, found 'latin'"),
        ({"items": 3}, "expected items from 1 to 2, as many as there are, found 3"),
        ({"systems": 0}, "expected systems from 1 to 2"),
        ({"items": "all"}, "expected items to be a number, found 'all'"),
        ({"repeats": -1}, "expected repeats to be 0 or more"),
        ({"hold_hours": 0}, "expected hold_hours above 0"),
        ({"blocks": [["tone 1"]]}, "every rated item in a block, found none with tone 2"),
        ({"blocks": [["tone 1", "tone 2", "tone 1"]]}, "each item in one block"),
        ({"blocks": [["tone 9", "tone 1", "tone 2"]]}, "items that are rated, found 'tone 9'"),
        ({"blocks": ["tone 1"]}, "expected blocks as lists of items"),
        ({"colour": 1}, "expected only order, items"),
    ],
)
def test_a_design_that_cannot_be_is_refused_at_launch(design, problem):
    campaign = mushra_campaign(items=2, launched=False)
    Campaign.objects.filter(pk=campaign.pk).update(design=design)
    campaign.refresh_from_db()
    with pytest.raises(CampaignError, match=problem):
        campaign.launch(actor="alice")


@pytest.mark.parametrize("method", ["abx", "triangle", "preference", "ccr"])
def test_pairs_cannot_be_shared_out_by_system(method):
    campaign = small_campaign(method, launched=False)
    Campaign.objects.filter(pk=campaign.pk).update(design={"systems": 1})
    campaign.refresh_from_db()
    assert any("needs two conditions of an item" in problem for problem in campaign.problems())


@pytest.mark.parametrize("method", SMALL)
def test_every_method_takes_a_design(method):
    design = {"order": "williams", "items": 2, "repeats": 1}
    campaign = designed(small_campaign(method, items=3, launched=False), **design)
    without = len(list(presenting.drawn(designed(campaign, items=2), 1, row=0)))
    pages = list(presenting.drawn(designed(campaign, **design), 1, row=0))
    assert len({trial for trial, _, _ in pages}) == 2
    assert len(pages) == without + 1


def test_reliability_shows_in_the_results_of_listeners_who_met_pages_twice(client):
    """From ratings that are given twice with a known error: its variance is the error's mean square."""
    campaign = designed(mushra_campaign(items=4, launched=False), repeats=2)
    Campaign.objects.update(screening="none")
    campaign.launch(actor="alice")
    rng = np.random.default_rng(1)
    for _ in range(2):
        session = sessions.start(campaign)
        for page in session.pages.all():
            for slot in page.slots.exclude(stimulus=None):
                assert slot.stimulus
                true = 10 * (slot.stimulus_id or 0) % 90
                value = int(np.clip(true + rng.integers(-3, 4), 0, 100))
                body = {"slot": str(slot.token), "value": value}
                sessions.respond(session, page, uuid.uuid4(), body)
            sessions.finish(session, page)
    ratings = evidence.ratings_frame(campaign)
    for _, row in performance(ratings, shuffles=50).iterrows():
        mine = ratings[ratings["listener"] == row["listener"]]
        twice = mine.groupby(["item", "condition"])["rating"].agg(["count", "var"])
        repeated = twice[twice["count"] == 2]
        # two pages of five stimuli
        assert row["df2"] == len(repeated) == 10
        assert row["ms_error"] == pytest.approx(repeated["var"].mean())
        assert row["discrimination"] > row["discrimination_floor"]
    # and the page of tests and plans says the same of each
    client.force_login(account("alice"))
    shown = client.get(reverse("campaign-statistics", args=[campaign.slug])).content.decode()
    table = shown[shown.index('id="performance"') :]
    for _, row in performance(ratings).iterrows():
        (told,) = [part for part in table.split("<tr>") if f">{row['listener']}<" in part]
        assert f">{row['discrimination']:.1f}<" in told
        assert f">{row['reliability']:.2f}<" in told
        assert f">{row['icc1']:.2f}<" in told
