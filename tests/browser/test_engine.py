"""The deck, sample by sample: rendered by the browser's own OfflineAudioContext through the AudioWorklet.

The gain of every switch and loop is held to scipy's Hann window, whose halves are the raised cosines that ITU-R
BS.1534-3 asks for (5 ms out, then 5 ms in, never across).
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal.windows import hann

RATE = 48_000
FADE = RATE * 5 // 1000
HANN = hann(2 * FADE + 1)
FADE_IN, FADE_OUT = HANN[: FADE + 1], HANN[FADE:]

# `script`: [parameter, value, frame] …
RENDER = """async ({ stimuli, frames, rate, script }) => {
  const { deckNode } = await import("/static/listening/js/player.js");
  const context = new OfflineAudioContext(stimuli[0].length, frames, rate);
  await context.audioWorklet.addModule("/static/listening/js/deck-processor.js");
  const deck = deckNode(context, stimuli.map((one) => one.map((channel) => Float32Array.from(channel))));
  deck.connect(context.destination);
  for (const [name, value, frame] of script) {
    deck.parameters.get(name).setValueAtTime(value, frame / rate);
  }
  const buffer = await context.startRendering();
  return stimuli[0].map((_, channel) => Array.from(buffer.getChannelData(channel)));
}"""

# the deck without Web Audio, for what is asked by message: `acts` are [frame, method, arguments]
RUN = """async ({ stimuli, frames, rate, acts }) => {
  const { Deck } = await import("/static/listening/js/deck.js");
  const deck = new Deck(stimuli.map((one) => one.map((channel) => Float32Array.from(channel))), rate);
  const out = [];
  const frame = new Float32Array(1);
  let wanted = 0;
  let playing = 1;
  for (let n = 0; n < frames; n++) {
    for (const [when, name, given] of acts) {
      if (when !== n) continue;
      if (name === "play") playing = given[0];
      else if (name === "want") wanted = given[0];
      else deck[name](...given);
    }
    deck.render([frame], Float32Array.of(wanted), Float32Array.of(playing));
    out.push(frame[0]);
  }
  return out;
}"""


@pytest.fixture
def engine(page, live_server):
    """A page of the site's own origin and content security policy."""
    page.goto(f"{live_server.url}/t/nothing/")
    return page


def noise(seed: int, frames: int) -> list[float]:
    generator = np.random.default_rng(seed)
    return generator.uniform(-0.9, 0.9, frames).astype(np.float32).tolist()


def render(engine, stimuli, frames, script, rate=RATE):
    arguments = {"stimuli": stimuli, "frames": frames, "rate": rate, "script": script}
    return np.array(engine.evaluate(RENDER, arguments))


def run(engine, stimuli, frames, acts, rate=RATE):
    arguments = {"stimuli": stimuli, "frames": frames, "rate": rate, "acts": acts}
    return np.array(engine.evaluate(RUN, arguments))


def test_a_switch_loses_no_sample_and_shifts_none(engine):
    frames, switch = 24_000, 9_600
    one, two = noise(1, frames), noise(2, frames)
    script = [["stimulus", 0, 0], ["playing", 1, 0], ["stimulus", 1, switch]]
    (out,) = render(engine, [[one], [two]], frames, script)
    assert np.array_equal(out[FADE:switch], one[FADE:switch])
    after = slice(switch + 2 * FADE, frames - FADE)
    assert np.array_equal(out[after], two[after])


def test_a_switch_is_a_raised_cosine_out_and_then_in_and_never_across(engine):
    frames, switch = 24_000, 9_600
    out_of, into = [1.0] * frames, [-1.0] * frames
    script = [["stimulus", 0, 0], ["playing", 1, 0], ["stimulus", 1, switch]]
    (out,) = render(engine, [[out_of], [into]], frames, script)
    silent = switch + FADE - 1
    assert out[silent] == 0
    assert out[switch - 1 : silent + 1] == pytest.approx(FADE_OUT, abs=1e-6)
    assert out[silent : silent + FADE + 1] == pytest.approx(-FADE_IN, abs=1e-6)
    # each sample is of one stimulus only: these two cannot be told apart from their sum otherwise
    assert (out[:silent] >= 0).all()
    assert (out[silent:] <= 0).all()


def test_play_and_pause_fade_too_and_the_playhead_waits(engine):
    frames, pause, play = 24_000, 4_800, 9_600
    one = noise(1, frames)
    script = [["stimulus", 0, 0], ["playing", 1, 0], ["playing", 0, pause], ["playing", 1, play]]
    (out,) = render(engine, [[one]], frames, script)
    assert out[: FADE + 1] == pytest.approx(FADE_IN * one[: FADE + 1], abs=1e-6)
    assert out[pause - 1 : pause + FADE] == pytest.approx(
        FADE_OUT * one[pause - 1 : pause + FADE], abs=1e-6
    )
    assert not out[pause + FADE : play].any()
    # silent from the frame after the fade on, which is then the first to be heard
    resumed = pause + FADE - 1
    assert np.array_equal(
        out[play + FADE : frames - FADE],
        one[resumed + FADE : resumed + frames - FADE - play],
    )


def test_an_excerpt_of_half_a_second_repeats_without_a_gap(engine):
    length = RATE // 2
    frames = 4 * length
    one = noise(3, length)
    script = [["stimulus", 0, 0], ["playing", 1, 0]]
    (out,) = render(engine, [[one]], frames, script)
    seams = out.reshape(4, length)
    assert np.array_equal(seams[1], seams[2])
    assert np.array_equal(seams[2], seams[3])
    assert np.array_equal(seams[1][FADE:-FADE], one[FADE:-FADE])


def test_a_loop_fades_out_and_in_as_a_switch_does(engine):
    length = RATE // 2
    script = [["stimulus", 0, 0], ["playing", 1, 0]]
    (out,) = render(engine, [[[1.0] * length]], 2 * length, script)
    assert out[length - FADE : length] == pytest.approx(FADE_OUT[:-1], abs=1e-6)
    assert out[length : length + FADE] == pytest.approx(FADE_IN[1:], abs=1e-6)


def test_stereo_stays_stereo_and_other_rates_keep_the_five_milliseconds(engine):
    rate, frames = 44_100, 22_050
    left, right = noise(4, frames), noise(5, frames)
    script = [["stimulus", 0, 0], ["playing", 1, 0]]
    out = render(engine, [[left, right]], frames, script, rate=rate)
    # 220.5 frames, rounded up
    fade = 221
    assert np.array_equal(out[0][fade:-fade], left[fade:-fade])
    assert np.array_equal(out[1][fade:-fade], right[fade:-fade])
    assert out[0][: fade + 1] == pytest.approx(
        hann(2 * fade + 1)[: fade + 1] * left[: fade + 1], abs=1e-6
    )


def test_changing_ones_mind_in_mid_fade_never_clicks(engine):
    frames = 24_000
    stimuli = [[[level] * frames] for level in (1.0, 0.5, 0.25)]
    acts = [[1000 + 100 * n, "want", [n % 3]] for n in range(40)]
    out = run(engine, stimuli, 8_000, acts)
    # the steepest step of a full-scale raised cosine is π/2N
    assert np.abs(np.diff(out)).max() <= np.pi / (2 * FADE) + 1e-6


def test_a_loop_region_repeats_exactly_and_is_never_shorter_than_half_a_second(engine):
    frames = RATE
    ramp = [n / frames for n in range(frames)]
    out = run(engine, [[ramp]], 2 * frames, [[0, "loop", [12_000, 36_000]]])
    assert np.array_equal(
        out[FADE : 24_000 - FADE], np.array(ramp[12_000 + FADE : 36_000 - FADE], np.float32)
    )
    assert np.array_equal(out[24_000:48_000], out[48_000:72_000])
    for start, end, first, last in (
        (12_000, 12_010, 12_000, 36_000),
        (47_000, 48_000, 24_000, 48_000),
        (30_000, 10_000, 24_000, 48_000),
        (-5, 99_999, 0, 48_000),
    ):
        region = engine.evaluate(
            """async ([frames, rate, start, end]) => {
              const { Deck } = await import("/static/listening/js/deck.js");
              const deck = new Deck([[new Float32Array(frames)]], rate);
              deck.loop(start, end);
              return [deck.loopStart, deck.loopEnd];
            }""",
            [frames, RATE, start, end],
        )
        assert region == [first, last]


def test_a_jump_fades_out_lands_on_its_frame_and_fades_in(engine):
    frames = RATE
    ramp = [n / frames for n in range(frames)]
    out = run(engine, [[ramp]], 12_000, [[4_800, "seek", [24_000]]])
    landed = 4_800 + FADE - 1
    assert out[landed] == 0
    assert np.array_equal(
        out[landed + FADE :], np.array(ramp[24_000 + FADE :][: 12_000 - landed - FADE], np.float32)
    )
