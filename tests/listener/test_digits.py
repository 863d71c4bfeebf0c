"""Digits in noise: the triplets, their level, the up-down rule, the threshold, and the part from page to table."""

from __future__ import annotations

import io
import json
import shutil
import uuid

import numpy as np
import pytest
import soundfile
from django.core.management import CommandError, call_command

from listening import digits, sessions
from listening.digits import DigitsError
from listening.methods.base import AnswerError
from listening.models import Campaign, Page, Session
from listening.models.campaign import CampaignError
from listening.plan import PlanError, checked_plan
from models_registry.audio import Audio, write
from models_registry.models import Signal
from tests.factories import account, mushra_campaign, tone
from tests.tampering import strike

RATE = digits.RATE


def voice() -> dict[str, Audio]:
    """A tone for each digit, each of another length."""
    found = {d: tone(200 + 100 * int(d), duration=0.3 + 0.02 * int(d)) for d in digits.DIGITS}
    return digits.levelled(found)


def level(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(samples**2))))


def test_triplets_are_of_different_digits_and_never_the_same_twice_running():
    for seed in range(20):
        drawn = digits.triplets("0123456", seed=str(seed))
        assert len(drawn) == 24
        assert all(len(set(one)) == 3 and set(one) <= set("0123456") for one in drawn)
        assert all(one != other for one, other in zip(drawn, drawn[1:], strict=False))
        assert drawn == digits.triplets("0123456", seed=str(seed))


def test_the_speech_is_as_far_above_the_noise_as_asked():
    said = voice()
    clips = {ratio: digits.triplet(said, "359", ratio=ratio, seed="s") for ratio in (-10, 0, 6)}
    # the same seed gives the same noise: what two clips differ by is speech alone
    lead = round(digits.LEAD_S * RATE)
    first = slice(lead, lead + said["3"].frames)
    speech = (clips[6].samples - clips[-10].samples)[0, first] / (10 ** (6 / 20) - 10 ** (-10 / 20))
    background = clips[0].samples[0, : lead - 1]
    assert level(speech) - 20 * np.log10(digits.NOISE_RMS) == pytest.approx(0, abs=0.01)
    assert level(background) == pytest.approx(20 * np.log10(digits.NOISE_RMS), abs=1.0)
    assert len({clip.frames for clip in clips.values()}) == 1
    other = digits.triplet(said, "012", ratio=0, seed="t")
    assert other.frames == clips[0].frames
    assert not np.array_equal(other.samples[0, :lead], clips[0].samples[0, :lead])


def test_the_noise_has_the_spectrum_of_the_voice():
    said = voice()
    background = digits.noise(said, 10 * RATE, seed="s")
    spectrum = np.abs(np.fft.rfft(background)) ** 2
    frequencies = np.fft.rfftfreq(background.size, 1 / RATE)
    # the tones lie from 200 to 1100 Hz
    inside = (frequencies > 150) & (frequencies < 1150)
    assert spectrum[inside].sum() / spectrum.sum() > 0.99


def test_a_high_ratio_does_not_clip():
    assert np.abs(digits.triplet(voice(), "012", ratio=20, seed="s").samples).max() <= 1


def test_one_up_one_down_by_hand():
    """Right twice, then alternately: 0, −2, −4, −2, −4 …; from the fifth to the twenty-fifth: −4, −2, −4 … −4."""
    understood = [True, True] + [False, True] * 11
    expected = [-4 if place % 2 else -2 for place in range(5, 26)]
    assert digits.threshold(understood) == pytest.approx(np.mean(expected))
    with pytest.raises(DigitsError, match="expected answers to 24 triplets, found 3"):
        digits.threshold([True] * 3)


def test_it_settles_where_half_are_understood():
    """Levitt 1971: one up, one down targets 50 %. Listeners with logistic functions of 20 %/dB at −8 dB."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(400):
        ratio, understood = digits.START_DB, []
        for _ in range(digits.TRIALS):
            share = 1 / (1 + np.exp(-4 * 0.2 * (ratio + 8)))
            understood.append(bool(rng.random() < share))
            ratio = digits.next_ratio(ratio, understood=understood[-1])
        found.append(digits.threshold(understood))
    assert np.mean(found) == pytest.approx(-8, abs=0.25)


def test_ratios_stay_where_something_is_learned():
    assert digits.next_ratio(digits.LOWEST_DB, understood=True) == digits.LOWEST_DB
    assert digits.next_ratio(digits.HIGHEST_DB, understood=False) == digits.HIGHEST_DB


# recordings


def record(folder, which: str = digits.DIGITS, rate: int = 44_100) -> None:
    for digit in which:
        sound = tone(200 + 100 * int(digit), duration=0.4, rate=rate, channels=2, level=0.3)
        silence = np.zeros((2, rate // 4), dtype=np.float32)
        padded = np.concatenate([silence, sound.samples, silence], axis=1)
        write(folder / f"{digit}.wav", Audio(padded, rate))


def test_recordings_are_read_without_the_silence_around_and_at_one_level(tmp_path):
    record(tmp_path, "012345689")
    (tmp_path / "README.txt").write_text("by Alice")
    found = digits.recordings(tmp_path)
    assert set(found) == set("012345689")
    for sound in found.values():
        assert (sound.channels, sound.rate) == (1, RATE)
        assert sound.duration == pytest.approx(0.4, abs=0.01)
        assert level(sound.samples) == pytest.approx(20 * np.log10(digits.NOISE_RMS), abs=0.01)


def test_recordings_that_make_no_test_are_refused(tmp_path):
    with pytest.raises(DigitsError, match="expected a folder of recorded digits"):
        digits.recordings(tmp_path / "none")
    record(tmp_path, "01234")
    with pytest.raises(DigitsError, match="at least 6 digits, named 0.wav … 9.wav, found 0, 1, 2"):
        digits.recordings(tmp_path)
    shutil.copy(tmp_path / "0.wav", tmp_path / "0.flac")
    with pytest.raises(DigitsError, match="one recording of 0, found several"):
        digits.recordings(tmp_path)
    (tmp_path / "0.flac").unlink()
    (tmp_path / "5.wav").write_bytes(b"no sound")
    with pytest.raises(DigitsError, match=r"5\.wav"):
        digits.recordings(tmp_path)
    write(tmp_path / "5.wav", tone(300, duration=3))
    with pytest.raises(DigitsError, match=r"5\.wav: expected one digit of up to 2 s, found 3\.0 s"):
        digits.recordings(tmp_path)


def test_espeaks_digits_are_ten_different_words():
    if shutil.which("espeak-ng") is None:
        pytest.skip("no synthetic voice: apt-get install espeak-ng")
    found = digits.synthetic("en")
    assert set(found) == set(digits.DIGITS)
    assert len({sound.samples.tobytes() for sound in found.values()}) == 10
    assert all(0.1 < sound.duration < 1.5 for sound in found.values())
    with pytest.raises(DigitsError, match="expected espeak-ng to speak 'klingonese'"):
        digits.synthetic("klingonese")


def test_without_espeak_the_reason_is_said(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DigitsError, match="expected espeak-ng for a synthetic voice, found none"):
        digits.synthetic("en")


# the part


def with_digits(**more) -> Campaign:
    recorded = {
        digit: Signal.objects.store(sound, title=digit).sha256 for digit, sound in voice().items()
    }
    plan = [{"part": "digits", "recordings": recorded, **more}, {"part": "ratings"}]
    return mushra_campaign(items=1, plan=plan)


def current(session: Session) -> Page:
    page = session.current_page()
    assert page is not None
    return page


def answer(session: Session, page: Page, *, right: bool) -> None:
    said = page.slots.get().clip.removeprefix("digits/")[:3]
    body = {"answer": said if right else said[::-1]}
    sessions.respond(session, page, uuid.uuid4(), body)
    sessions.finish(session, page)


@pytest.mark.django_db
def test_every_answer_says_how_loud_the_next_triplet_is_and_the_last_gives_the_threshold(client):
    campaign = with_digits(worst_db=-3, on_fail="flag")
    session = sessions.start(campaign)
    understood = [True, True] + [False, True] * 11
    ratios = []
    for one in understood:
        page = current(session)
        ratios.append(float(page.slots.get().clip.partition("@")[2]))
        answer(session, page, right=one)
    assert ratios[:6] == [0, -2, -4, -2, -4, -2]
    check = session.checks.get()
    assert (check.test, check.right, check.trials, check.passed) == ("digits", 13, 24, True)
    assert check.value == pytest.approx(digits.threshold(understood))
    assert current(session).kind == Page.Kind.RATING
    client.force_login(account("alice"))
    html = client.get(campaign.get_absolute_url()).content.decode()
    assert "Speech reception thresholds" in html
    assert f"{check.value:.1f}" in html


@pytest.mark.django_db
def test_who_is_above_the_limit_is_screened_out_where_declared():
    session = sessions.start(with_digits(worst_db=-3, on_fail="screen out", synthetic=True))
    while page := session.current_page():
        answer(session, page, right=False)
        session.refresh_from_db()
    assert session.ending == Session.Ending.SCREENED_OUT
    assert session.checks.get().test == "digits, synthetic"


@pytest.mark.django_db
def test_the_page_tells_nothing_and_the_next_sound_is_not_fetched_before_it_is_known(client):
    session = sessions.start(with_digits())
    page = current(session)
    html = client.get(session.get_absolute_url()).content.decode()
    assert page.slots.get().clip.removeprefix("digits/")[:3] not in html.split("for-player")[1]
    assert '"ahead": []' in html

    def sound(of: Page):
        return client.get(f"/s/{session.token}/audio/{of.slots.get().token}.wav")

    samples, rate = soundfile.read(io.BytesIO(b"".join(sound(page).streaming_content)))
    assert rate == RATE
    assert samples.size == digits.triplet(voice(), "012", ratio=0, seed="s").frames
    following = session.pages.get(number=2)
    assert sound(following).status_code == 404
    answer(session, page, right=True)
    assert sound(following).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["12", "1234", "12a", 123, None, "²³¹"])
def test_what_is_no_triplet_is_refused(given):
    session = sessions.start(with_digits())
    page = current(session)
    with pytest.raises(AnswerError, match="expected three digits"):
        sessions.respond(session, page, uuid.uuid4(), {"answer": given})


@pytest.mark.django_db
def test_the_command_prints_a_part_that_a_plan_takes(tmp_path, capsys):
    record(tmp_path)
    call_command("digits", str(tmp_path))
    part = json.loads(capsys.readouterr().out)
    campaign = mushra_campaign(items=1, plan=[part, {"part": "ratings"}])
    assert campaign.problems() == []
    strike(Signal.objects.filter(sha256=part["recordings"]["7"]))
    assert any("recorded digit, found none for" in problem for problem in campaign.problems())
    with pytest.raises(CommandError, match="expected a folder"):
        call_command("digits", str(tmp_path / "none"))
    draft = mushra_campaign(slug="draft", launched=False, plan=[part, {"part": "ratings"}])
    with pytest.raises(CampaignError, match="recorded digit"):
        draft.launch(actor="alice")


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({}, "expected 'recordings', found none"),
        ({"recordings": {"1": "a" * 64}}, "expected recordings of 6 digits or more, found some"),
        ({"recordings": dict.fromkeys("012345x", "a" * 64)}, "expected recordings of 6 digits"),
        ({"recordings": dict.fromkeys("012345", "x")}, "expected the hash of a signal for 0"),
        ({"recordings": dict.fromkeys("012345", "a" * 64), "worst_db": 1}, "together, found one"),
    ],
)
def test_a_part_that_cannot_be_heard_is_refused(part, problem):
    with pytest.raises(PlanError) as error:
        checked_plan([{"part": "digits", **part}, {"part": "ratings"}], items=["tone"])
    assert problem in str(error.value)
