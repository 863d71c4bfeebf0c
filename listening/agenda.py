"""The agenda of a review: what a reviewer is asked to do, and what to look for, in words that need no training.

A template is copied into the review when that is opened, so that it can be changed there and stays as it was signed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One thing to do: its topic, a title, what to do and what to look (or listen) for."""

    topic: str
    title: str
    do: str
    look_for: str


STANDARD = (
    Point(
        "listening",
        "Real-world listening",
        "Put on the headphones or turn on the loudspeakers that you would use at work. Play the sounds under "
        "“Sounds to hear first”, each once from beginning to end, then again beside what it is compared with.",
        "Would you accept this sound in your own work? Note clicks, hiss, dullness, harshness, a voice or an "
        "instrument that changes its character, and anything that tires you. Say where, and how bad.",
    ),
    Point(
        "edge-cases",
        "Edge cases",
        "Play the sounds that people or measurements judged worst, and those on which listeners disagreed most. Beside "
        "each stands why it was picked.",
        "Does it fail in a way that matters to the people who will use it? Is there a kind of sound, such as a high "
        "voice, a quiet passage, a noisy room, where it always fails?",
    ),
    Point(
        "data-bias",
        "Bias in the training data",
        "Read what it learned from and what its makers say is missing (under “What is judged”).",
        "Who and what was not in there: languages, ages, voices, instruments, rooms, devices, levels? A model has not "
        "heard what its data leave out. Would those people or sounds be treated worse, and would anybody notice?",
    ),
    Point(
        "intermediate",
        "What happens on the way",
        "Play the sound after each step in turn (under “Step by step”), and look at the pictures beside it.",
        "Does each step do what its name says, and no more? Is there a step after which something is lost, added or "
        "distorted that a later step has to hide?",
    ),
    Point(
        "regulation",
        "What rules expect",
        "Think of the rules of the field in which it will be used: hearing protection, medical devices, broadcasting, "
        "data protection, accessibility, transparency towards the people concerned.",
        "Is it said what it is for and what not? Is there evidence by people, of how many, and of whom? Would those "
        "concerned be told? What would an authority ask that is not answered here?",
    ),
)
TEMPLATES = {"standard": STANDARD}
