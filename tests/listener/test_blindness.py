"""Nothing that reaches a listener's browser tells which sound is which, short of the sound itself."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from django.utils.timezone import now
from scipy.stats import chi2, chisquare

from listening import presenting, sessions
from listening.methods import method_named, methods
from listening.models import Campaign, Condition, Page, Session, Slot
from listening.simulation import hearers
from models_registry.models import Signal
from tests.factories import WHOLE_PLAN, abx_campaign, mushra_campaign, small_campaign

pytestmark = pytest.mark.django_db


# flags whom it would screen out, so that a session goes on to its end
PLAN = [
    {**part, "on_fail": "flag"} if part["part"] == "headphones" else part for part in WHOLE_PLAN
]
FORMS = {Page.Kind.CONSENT, Page.Kind.QUESTIONS, Page.Kind.INSTRUCTIONS, Page.Kind.BREAK}
FORM = {"consent": "yes", "age": 20, "hearing": "yes", "devices": "earbuds", "trained": 1}


# what is answered on pages that take one answer
CHOICES = {"abx": "A", "triangle": "1", "preference": "A", "ccr": 0}


def answers_to(page: Page) -> list[dict[str, Any]]:
    slots, protocol = list(page.slots.all()), page.session.campaign.protocol
    if page.kind == Page.Kind.VOLUME:
        return [{"volume_db": -6}]
    if page.kind == Page.Kind.HEADPHONES:
        return [{"answer": "left" if slots[0].clip.startswith("channels") else "1"}]
    if protocol.name in CHOICES:
        return [{"answer": CHOICES[protocol.name]}]
    if page.is_judged:
        (hearer,) = hearers(1, seed=page.number)
        return list(protocol.rehearsed(slots, hearer, lambda stimulus: 50))
    return []


def visit_of(page: Page) -> dict[str, str]:
    """What a browser tells in which everything was heard to its end."""
    labels = [slot.label for slot in page.slots.all()]
    numbers = {"open_s": 9, "hidden_s": 0, "device_rate": 48_000, "latency_s": 0.01}
    body = numbers | {
        "drop_outs": 0,
        "heard": dict.fromkeys(labels, 1.0),
        "ended": labels,
        "volume": [],
    }
    return {"id": str(uuid.uuid4()), "body": json.dumps(body)}


def whole_session(session: Session) -> tuple[str, dict[int, list]]:
    """Go through `session`; return everything but audio as one text, and the replies with audio by page."""
    client, texts = Client(), []
    sounds: dict[int, list] = defaultdict(list)

    def keep(response):
        texts.append(f"{response.status_code}\n{sorted(response.headers.items())}\n")
        texts.append(response.content.decode())
        return response

    def post(url, body):
        return keep(client.post(url, json.dumps(body), content_type="application/json"))

    keep(client.get(reverse("welcome", args=[session.campaign.slug])))
    for page in session.pages.all():
        keep(client.get(session.get_absolute_url()))
        for slot in page.slots.all():
            response: Any = client.get(reverse("stimulus", args=[session.token, slot.token]))
            sounds[page.number].append((slot, response, b"".join(response.streaming_content)))
        for answer in answers_to(page):
            body = {"id": str(uuid.uuid4()), "page": page.number, **answer}
            post(reverse("responses", args=[session.token]), body)
        keep(client.post(reverse("visit", args=[session.token, page.number]), visit_of(page)))
        keep(client.get(session.get_absolute_url()))
        if page.kind in FORMS:
            keep(client.post(reverse("answer-part", args=[session.token, page.number]), FORM))
        else:
            post(reverse("finish-page", args=[session.token, page.number]), {})
    keep(client.get(session.get_absolute_url()))
    return "\n".join(texts), sounds


CAMPAIGNS: dict[str, Callable[[], Campaign]] = {
    **{method: partial(small_campaign, method) for method in methods()},
    "every part": lambda: mushra_campaign(plan=PLAN),
    "every part, without reference": lambda: small_campaign("acr", plan=PLAN),
}


@pytest.fixture(params=["mushra", "abx"])
def session(request) -> Session:
    return sessions.start(CAMPAIGNS[request.param]())


@pytest.fixture
def long_session() -> Session:
    return sessions.start(CAMPAIGNS["every part"]())


@pytest.mark.parametrize("kind", CAMPAIGNS)
def test_nothing_in_a_whole_session_tells_which_sound_is_which(kind):
    session = sessions.start(CAMPAIGNS[kind]())
    text, sounds = whole_session(session)
    session.refresh_from_db()
    assert session.ending == Session.Ending.FINISHED
    no_text_names_a_condition_an_item_or_a_signal(session, text)
    for replies in sounds.values():
        all_sounds_of_a_page_look_alike_from_outside(replies)
        not_even_the_same_sound_gives_the_same_bytes(replies)


def no_text_names_a_condition_an_item_or_a_signal(session: Session, text: str) -> None:
    # what every listener reads anyway
    instructions = str(method_named(session.campaign.method).default_instructions)
    for shown in (instructions, session.campaign.title):
        text = text.replace(shown, "")
    for line in instructions.splitlines():
        text = text.replace(escape(line), "")
    secrets = {
        *Condition.objects.exclude(name="reference").values_list("name", flat=True),
        *(value for value in Condition.Role.values if value not in ("reference", "system")),
        *session.campaign.trials.values_list("item", flat=True),
        *Signal.objects.values_list("sha256", flat=True),
        *Signal.objects.values_list("title", flat=True),
        *Signal.objects.values_list("file", flat=True),
        *Slot.objects.exclude(clip="").values_list("clip", flat=True),
        *(clip.partition("/")[0] for clip in Slot.objects.values_list("clip", flat=True) if clip),
        str(session.seed),
        "hidden reference",
        "anchor",
    }
    assert [secret for secret in secrets if secret in text] == []


def all_sounds_of_a_page_look_alike_from_outside(replies: list) -> None:
    headers = {tuple(sorted(response.headers.items())) for _, response, _ in replies}
    assert len(headers) == 1
    (shared,) = headers
    names = {name.lower() for name, _ in shared}
    assert not names & {"etag", "last-modified", "server-timing", "set-cookie", "age"}
    assert dict(shared)["Content-Disposition"] == 'inline; filename="stimulus.wav"'
    assert len({len(wav) for _, _, wav in replies}) == 1
    assert len({wav[:44] for _, _, wav in replies}) == 1


def not_even_the_same_sound_gives_the_same_bytes(replies: list) -> None:
    assert len({hashlib.sha256(wav).hexdigest() for _, _, wav in replies}) == len(replies)


def test_the_page_of_a_slot_is_the_same_text_for_every_slot(session):
    """But for its token, its label and its place: with those blanked, all slots of a page are one."""
    for page in session.pages.all():
        html = Client().get(session.get_absolute_url()).content.decode()
        start = html.index(">", html.index('id="for-player"')) + 1
        slots = json.loads(html[start : html.index("</script>", start)])["slots"]
        for place, slot in enumerate(slots):
            token = uuid.UUID(slot.pop("token"))
            assert token.version == 4
            assert slot.pop("url") == f"/s/{session.token}/audio/{token}.wav"
            expected = str(place or "Reference")
            label = slot.pop("label")
            assert label == ("ABX"[place] if len(slots) == 3 else expected)
            # only what bears its name may be drawn
            assert slot.pop("open") == (label == "Reference")
            assert slot == {"answer": None, "heard": False, "ended": False}
        method = session.campaign.method
        for slot in page.slots.all():
            answer = {"answer": "B"} if method == "abx" else {"slot": str(slot.token), "value": 9}
            if method == "abx" or slot.stimulus:
                sessions.respond(session, page, uuid.uuid4(), answer)
        sessions.finish(session, page)


def test_the_trials_of_a_headphone_check_are_one_text_and_one_size(long_session):
    """With tokens and the trial's number blanked, nothing is left that could tell which answer is right."""
    client, session = Client(), long_session
    texts, sizes = defaultdict(set), defaultdict(set)
    for page in session.pages.all():
        Page.objects.filter(session=session, number__lt=page.number).update(finished_at=now())
        if page.kind != Page.Kind.HEADPHONES:
            continue
        html = client.get(session.get_absolute_url()).content.decode()
        html = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|nonce=\"[^\"]+\"", "", html)
        # what comes after the last trial is the plan's affair
        html = re.sub(r'"ahead": \[[^]]*\]', "", html)
        html = html.replace(f" {page.content['trial']} /", "").replace(f"/{page.number}/", "")
        html = html.replace(f'"page": {page.number},', "").replace(f"Page {page.number} of", "")
        texts[page.part].add(html.replace(f'value="{page.number}"', "").replace(" · 0", ""))
        sound: Any = client.get(reverse("stimulus", args=[session.token, page.slots.get().token]))
        sizes[page.part].add(len(b"".join(sound.streaming_content)))
    assert [len(of_test) for of_test in texts.values()] == [1, 1]
    assert [len(of_test) for of_test in sizes.values()] == [1, 1]


@pytest.mark.parametrize("method", ["mushra", "abx", "triangle", "bs1116", "p835"])
def test_these_play_one_sound_under_several_addresses(method):
    """So that the test above says something of them."""
    for page in sessions.start(small_campaign(method)).pages.all():
        slots = sessions.slots_of(page)
        assert len({slot.signal.pk for slot in slots}) < len(slots)


def test_no_condition_prefers_a_place_on_the_page_nor_a_trial_a_place_in_the_session():
    """Held to Anderson's test of random rankings (Biometrics 15, 1959): (k−1)/k of Pearson's X² has (k−1)² degrees.

    Seeds are fixed, so that the test is the same each time.
    """
    campaign = mushra_campaign(items=4)
    places: Counter[tuple[str, int]] = Counter()
    numbers: Counter[tuple[int, int]] = Counter()
    for seed in range(300):
        for place, (trial, _, planned) in enumerate(presenting.drawn(campaign, seed)):
            numbers[trial.number, place] += 1
            for position, slot in enumerate(planned[1:]):
                places[slot.stimulus.condition.name, position] += 1
    for counts, k in ((list(places.values()), 5), (list(numbers.values()), 4)):
        assert len(counts) == k**2
        statistic = (k - 1) / k * chisquare(counts).statistic
        assert chi2.sf(statistic, (k - 1) ** 2) > 0.01


def test_neither_token_nor_row_order_follows_the_condition():
    """Slots are stored in the order on screen, under random tokens: neither sorts the conditions."""
    campaign = mushra_campaign(items=4)
    ranks = defaultdict(list)
    for seed in range(25):
        for page in sessions.start(campaign, seed=seed).pages.all():
            tokens = sorted(page.slots.exclude(stimulus=None), key=lambda slot: slot.token.hex)
            for rank, slot in enumerate(tokens):
                ranks[slot.stimulus.condition.name].append(rank)
    means = [np.mean(found) for found in ranks.values()]
    # ranks 0…4 have variance 2: five standard errors of a mean of 100
    assert np.abs(np.array(means) - 2).max() < 5 * np.sqrt(2 / 100)


def test_a_right_and_a_wrong_answer_are_acknowledged_alike():
    client = Client()
    session = sessions.start(abx_campaign(repetitions=8), seed=1)
    replies = set()
    for page in session.pages.all():
        response_id = str(uuid.uuid4())
        body = {"id": response_id, "page": page.number, "answer": "A"}
        reply = client.post(
            reverse("responses", args=[session.token]),
            json.dumps(body),
            content_type="application/json",
        )
        shown = reply.content.decode().replace(response_id, "")
        replies.add((reply.status_code, tuple(sorted(reply.headers.items())), shown))
    assert {rating.value for page in session.pages.all() for rating in page.ratings.all()} == {0, 1}
    assert len(replies) == 1
