"""The catalogue of blocks and adapters: their cards, and each block tried out, seen and heard."""

from __future__ import annotations

import io
from itertools import groupby
from typing import Any

import soundfile
from django.core.files.base import ContentFile
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from listening import access, block_trials
from listening.block_trials import OPTION, Trial, TrialError
from listening.kinds import FAMILIES, Kind, kinds
from listening.models import Lesson
from listening.views.audio import ranged
from listening.views.figures import served
from models_registry import audio
from models_registry.audio import Audio, AudioError
from models_registry.extra import EngineMissing

# of the person's own sounds, the newest
SOUNDS_SHOWN = 50
LESSONS = 5
AN_HOUR = "private, max-age=3600"


@access.members
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    try:
        families = [
            (name, list(found)) for name, found in groupby(kinds().values(), lambda one: one.family)
        ]
        problem = ""
    except EngineMissing as error:
        families, problem = [], str(error)
    context = {"section": "models", "families": families, "problem": problem}
    return render(request, "listening/blocks/index.html", context)


@access.members
@require_safe
def detail(request: HttpRequest, kind: str) -> HttpResponse:
    """A kind's card and, of a block, what it does wherever its sliders stand."""
    found = _kind(kind)
    context = {
        "section": "models",
        "kind": found,
        "families": FAMILIES,
        "lessons": Lesson.objects.visible_to(request.user).for_use_of(blocks=[kind], task="")[
            :LESSONS
        ],
    }
    if found.is_block:
        context |= _tried(request, found) | {"sounds": _choices(request)}
    template = (
        "listening/blocks/live.html"
        if "HX-Request" in request.headers
        else "listening/blocks/detail.html"
    )
    return render(request, template, context)


@access.members
@require_safe
def picture(request: HttpRequest, kind: str, form: str) -> HttpResponse:
    """The block's figure where its sliders stand."""
    try:
        response = served(block_trials.tried(_block(kind), _given(request.GET)).drawn(), form)
    except ValueError as error:
        raise Http404(str(error)) from error
    response["Cache-Control"] = AN_HOUR
    return response


@access.members
@require_safe
def heard(request: HttpRequest, kind: str, side: str) -> HttpResponseBase:
    """The sound that is chosen, before the block or after it."""
    found, sound = _block(kind), _sound(request)
    try:
        made = (
            sound
            if side == "before"
            else block_trials.tried(found, _given(request.GET), rate=sound.rate).heard(sound)
        )
    except ValueError as error:
        raise Http404(str(error)) from error
    buffer = io.BytesIO()
    soundfile.write(buffer, made.samples.T, made.rate, subtype="PCM_16", format="WAV")
    return ranged(request, ContentFile(buffer.getvalue()), size=buffer.tell())


def _tried(request: HttpRequest, kind: Kind) -> dict[str, Any]:
    problem = ""
    try:
        trial = block_trials.tried(kind, _given(request.GET))
    except TrialError as error:
        trial, problem = block_trials.tried(kind, {}), f"{error}."
    asked = QueryDict(mutable=True)
    for slider in trial.sliders:
        asked[slider.name] = f"{slider.place:g}"
    for name, word in trial.options.items():
        asked[OPTION + name] = str(word)
    chosen = request.GET.get("sound", "")
    if chosen:
        asked["sound"] = chosen
    return {
        "trial": trial,
        "asked": asked.urlencode(),
        "chosen": chosen,
        "choices": _options(trial),
        "problem": problem,
    }


def _options(trial: Trial) -> list[dict[str, Any]]:
    """The options that a select or a number's field offers, with what is chosen."""
    return [
        {
            "name": OPTION + one.name,
            "label": one.name.replace("_", " "),
            "meaning": one.meaning,
            "words": one.words,
            "low": one.low,
            "high": one.high,
            "chosen": trial.options[one.name],
        }
        for one in trial.kind.choices
        if one.name in trial.options
    ]


def _given(query: QueryDict) -> dict[str, str]:
    return {name: str(value) for name, value in query.items() if name != "sound"}


def _kind(name: str) -> Kind:
    try:
        return kinds()[name]
    except KeyError as error:
        raise Http404(f"no kind of block or adapter {name!r}") from error
    except EngineMissing as error:
        raise Http404(str(error)) from error


def _block(name: str) -> Kind:
    found = _kind(name)
    if not found.is_block:
        raise Http404(f"{name} is an adapter: it makes no sound by itself")
    return found


def _choices(request: HttpRequest) -> list[tuple[str, str]]:
    """Sounds to try a block on, by what stands in the address: the built-in ones, then the person's newest."""
    own = access.listed_signals(request).order_by("-pk")[:SOUNDS_SHOWN]
    return [(name, name) for name in block_trials.sounds()] + [
        (one.sha256, one.title) for one in own
    ]


def _sound(request: HttpRequest) -> Audio:
    """The sound that the address names, the first built-in one where it names none."""
    chosen = request.GET.get("sound", "")
    built_in = block_trials.sounds()
    if not chosen or chosen in built_in:
        return built_in[chosen or next(iter(built_in))]
    signal = access.find_signal(request, chosen)
    try:
        return audio.excerpt(
            signal.file.path,
            start=0,
            seconds=block_trials.LONGEST_S,
            most=2 * block_trials.LONGEST_S,
        )
    except (OSError, AudioError) as error:
        raise Http404(str(error)) from error
