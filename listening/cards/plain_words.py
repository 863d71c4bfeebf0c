"""A card for readers who are no engineers: what each part tells, and what the words of the trade mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

# by a part's name: what it answers, and how to read it
INTRODUCTIONS = {
    "use": "What it is meant for, why this version was made, and what its makers warn of.",
    "chain": "Sound goes through a row of steps, like through the devices on a studio’s shelf. Here they are in their "
    "order, each with what it is for.",
    "parameters": "Each step has settings, like the knobs of a device, that were found by learning from examples. Look "
    "for settings that stand at the end of their range: there the step may have wanted more than it was allowed.",
    "data": "The examples that it learned from. It knows nothing of what is not among them.",
    "training": "How the learning went: whether it got better to the end, and whether anything unusual was noticed.",
    "validation": "A test on sounds that were made by a computer so that the right answer is known.",
    "robustness": "The same test made harder step by step, to see where it breaks.",
    "ablation": "What is lost when one step is taken out, which tells how much that step contributes.",
    "explanation": "Whether what it says about its own reasons can be believed.",
    "hearing": "Whether what goes on inside agrees with what is known of human hearing.",
    "ratings": "What people said who listened without knowing what they heard. Ratings by programs are called so, and "
    "are no judgement by people.",
    "metrics": "Measurements by programs that are meant to agree with listeners. They often do, and sometimes do not.",
    "limits": "Where it is known to fail, or must be expected to.",
    "environment": "Which software made it, and fingerprints by which anybody can tell that nothing was changed.",
}
# what is said on cards, and what it means
WORDS = {
    "ablation": "taking a part out to see what is lost without it",
    "adapter": "a small network that turns a step’s knobs while the sound goes by, within bounds",
    "baseline": "what it is compared with: usually the sound as it went in",
    "bias": "a leaning to one side, such as serving some voices better than others",
    "compressor": "a step that makes loud passages softer, so that loud and soft lie closer together",
    "confidence interval": "the range in which the true value probably lies; the wider, the less is known",
    "dB": "decibel, a measure of level: 1 dB is barely noticed, 10 dB is about twice (or half) as loud",
    "dBFS": "decibels below the loudest that a digital file can hold",
    "default": "where a setting stands if nothing is learned",
    "equaliser": "a step that makes some tones louder and others softer, as bass and treble knobs do",
    "ERB": "equivalent rectangular bandwidth: how wide a range of tones the ear hears as one",
    "ESR": "error-to-signal ratio: how much of the sound is wrong; 0 is perfect, 1 is as much error as sound",
    "faithfulness": "how well an explanation agrees with what the model really does",
    "gain": "how much louder or softer a sound is made",
    "hash": "a fingerprint: change one bit, and it is another",
    "Hz": "hertz, how high a tone is: a deep voice is near 100 Hz, an s-sound above 5000 Hz",
    "interval": "a range in which the true value probably lies; the wider, the less is known",
    "kHz": "a thousand hertz",
    "LUFS": "loudness as broadcasters measure it; the closer to 0, the louder",
    "loss": "what learning tries to make small: how far the result is from what was wanted",
    "metric": "a measurement by a program that is meant to say how good something sounds",
    "parameter": "a setting of a step, like the knob of a device",
    "PEAQ": "a standard measurement of sound quality (ITU-R BS.1387)",
    "PESQ": "a standard measurement of speech quality (ITU-T P.862)",
    "rendering": "the sound that a version made of another sound",
    "response": "how much louder or softer a step makes each tone",
    "reverberation": "the sound of a room after the sound itself has ended",
    "seed": "the number that chance began with, so that the same can be made again",
    "SI-SDR": "how much of the wanted sound is left beside what is wrong, in decibels; more is better",
    "signal-to-noise ratio": "how much louder the wanted sound is than the noise; more is better",
    "STOI": "a measurement of how intelligible speech is, from 0 to 1",
    "waveshaper": "a step that bends the wave, as an overdriven amplifier does",
    "weights": "all the numbers that were learned",
}


def words_in(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Those of `WORDS` that the texts use, with what they mean."""
    text = " ".join(texts)
    return [
        (word, meaning)
        for word, meaning in WORDS.items()
        if re.search(
            rf"\b{re.escape(word)}(s|es)?\b", text, 0 if word != word.lower() else re.IGNORECASE
        )
    ]
