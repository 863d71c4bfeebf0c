"""The catalogue of blocks: every kind has its page, is drawn where its sliders stand, and is heard."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from django.core.management import CommandError, call_command
from django.urls import reverse
from scipy.signal import welch

from listening import block_trials
from listening.block_trials import tried
from listening.kinds import FAMILIES, kinds
from models_registry.audio import Audio
from tests.factories import stored_tone
from tests.site.html import Page

pytest.importorskip("torch", reason="needs the extra 'engine'")


def text_of(response):
    return " ".join(response.content.decode().split())


def played(response):
    return soundfile.read(io.BytesIO(b"".join(response.streaming_content)))


def test_the_index_lists_every_kind_by_family(researcher):
    response = researcher.get(reverse("blocks"))
    links = set(Page(response).links)
    assert {reverse("block-kind", args=[name]) for name in kinds()} <= links
    assert [family for family, _ in response.context["families"]] == [*FAMILIES, "adapters"]


@pytest.mark.parametrize("name", ["equaliser", "compressor", "embedding"])
def test_a_kind_s_page_tells_its_card(researcher, name):
    card = kinds()[name].card
    text = text_of(researcher.get(reverse("block-kind", args=[name])))
    # what HTML escapes is left aside
    for said in (card.purpose, card.failure_modes, card.assumptions):
        assert said.split("'")[0].split('"')[0].split("&")[0].split("<")[0].split(">")[0] in text


@pytest.mark.parametrize("name", [one.name for one in kinds().values() if one.is_block])
def test_every_block_can_be_moved_drawn_and_heard_at_both_ends(name):
    kind = kinds()[name]
    sound = Audio(block_trials.sounds()["plucked melody"].samples[:, 10_000:14_096], 44_100)
    for end in ("0", "1"):
        asked = {slider.name: end for slider in tried(kind, {}).sliders}
        trial = tried(kind, asked)
        assert [slider.place for slider in trial.sliders] == [float(end)] * len(trial.sliders)
        output = trial.heard(sound)
        assert output.samples.shape[1] == sound.samples.shape[1]
        assert np.isfinite(output.samples).all()
        assert np.abs(output.samples).max() <= 1
    assert tried(kind, {}).picture is not None


def test_where_nothing_was_moved_the_block_is_as_shipped():
    for kind in kinds().values():
        if kind.is_block:
            trial = tried(kind, {})
            again = tried(kind, {one.name: f"{one.place}" for one in trial.sliders})
            assert again.chain.spec() == trial.chain.spec(), kind.name


def test_a_slider_stands_for_the_value_on_the_parameter_s_own_scale():
    # the geometric mean of 10 Hz and 0.45 × 44.1 kHz, by hand
    (frequency,) = [
        one
        for one in tried(kinds()["biquad"], {"frequency": "0.5"}).sliders
        if one.name == "frequency"
    ]
    assert frequency.shown == "445.5 Hz"
    (level,) = tried(kinds()["gain"], {"level": "0.625"}).sliders
    assert level.shown == "12 dB"


def test_what_is_heard_is_what_the_picture_says():
    # a filter of scipy's estimate of the spectra is the witness for what the sliders did to the sound
    trial = tried(kinds()["biquad"], {"frequency": "0.5", "q": "0.3"})
    noise = block_trials.sounds()["pink noise"]
    heard = trial.heard(noise)
    frequencies, before = welch(noise.samples[0], 44_100, nperseg=4_096)
    _, after = welch(heard.samples[0], 44_100, nperseg=4_096)
    measured = 10 * np.log10(after / before)[20:1_500]
    stated = 20 * np.log10(np.abs(trial.chain.response("biquad", frequencies[20:1_500])))
    difference = measured - stated
    # turned down as a whole where it would clip
    np.testing.assert_allclose(difference, np.median(difference), atol=0.7)


def test_sliders_move_the_part_of_the_page_and_its_addresses(researcher):
    address = reverse("block-kind", args=["gain"])
    response = researcher.get(
        address, {"level": "0.625", "sound": "clicks"}, headers={"HX-Request": "true"}
    )
    text = response.content.decode()
    assert "<html" not in text
    assert "12 dB" in text
    page = Page(response)
    picture = reverse("block-kind-picture", args=["gain", "svg"])
    assert f"{picture}?level=0.625&sound=clicks" in page.sources
    drawn = researcher.get(picture, {"level": "0.625"})
    assert drawn["Content-Type"] == "image/svg+xml"
    assert drawn.content != researcher.get(picture, {"level": "0.5"}).content


def test_a_built_in_sound_and_one_s_own_are_played_before_and_after(researcher):
    address = {
        side: reverse("block-kind-heard", args=["gain", side]) for side in ("before", "after")
    }
    before, rate = played(researcher.get(address["before"], {"sound": "sweep"}))
    after, _ = played(researcher.get(address["after"], {"sound": "sweep", "level": "0.375"}))
    assert rate == 44_100
    # a level of −12 dB
    np.testing.assert_allclose(after, before * 10 ** (-12 / 20), atol=2e-4)
    own = stored_tone(440, duration=7.0)
    cut, rate = played(researcher.get(address["before"], {"sound": own.sha256}))
    assert len(cut) == 5 * rate


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"level": "2"}, "expected a place from 0 to 1"),
        ({"level": "nan"}, "expected a place from 0 to 1"),
        ({"level": "loud"}, "expected a place from 0 to 1"),
    ],
)
def test_a_place_that_there_is_not_is_said_on_the_page_and_drawn_nowhere(researcher, query, words):
    assert words in text_of(researcher.get(reverse("block-kind", args=["gain"]), query))
    picture = reverse("block-kind-picture", args=["gain", "svg"])
    assert researcher.get(picture, query).status_code == 404


def test_what_there_is_not_is_not_found(researcher):
    assert researcher.get(reverse("block-kind", args=["fuzz"])).status_code == 404
    assert researcher.get(reverse("block-kind-heard", args=["gru", "after"])).status_code == 404
    heard = reverse("block-kind-heard", args=["gain", "after"])
    assert researcher.get(heard, {"sound": "f" * 64}).status_code == 404


def test_the_command_and_the_api_tell_the_same(researcher, capsys):
    told = {one["name"]: one for one in researcher.get("/api/blocks/").json()}
    assert set(told) == set(kinds())
    assert told["gain"]["parameters"][0]["unit"] == "dB"
    call_command("blocks", "gain")
    printed = capsys.readouterr().out
    assert told["gain"]["purpose"] in printed
    assert "-48 to 48 dB" in printed
    with pytest.raises(CommandError, match="expected a kind of block or adapter"):
        call_command("blocks", "fuzz")


def test_a_number_about_a_block_s_structure_is_chosen_seen_and_kept_within_its_range(researcher):
    address = reverse("block-kind", args=["polynomial"])
    text = text_of(researcher.get(address, {"option.order": "3"}))
    assert 'name="option.order" min="2" max="32" step="1" value="3"' in text
    picture = reverse("block-kind-picture", args=["polynomial", "svg"])
    assert f"{picture}?" in text
    assert "option.order=3" in text
    assert researcher.get(picture, {"option.order": "3"}).status_code == 200
    for said in ("33", "1", "two", "-3", "9" * 40):
        found = text_of(researcher.get(address, {"option.order": said}))
        assert "expected a whole number from 2 to 32" in found
        assert researcher.get(picture, {"option.order": said}).status_code == 404
