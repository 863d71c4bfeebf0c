"""Sounds sent by a browser are scored; hostile ones are refused with a sentence each, and nothing of them is kept."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from metrics.models import Score
from models_registry import jobs
from models_registry.models import AuditEvent, Job, Signal
from tests.factories import stored_tone, tone

METRICS = ["si-sdr", "true-peak"]


def wav(name, samples, rate=48_000, **more):
    buffer = io.BytesIO()
    soundfile.write(buffer, np.atleast_2d(samples).T, rate, format="WAV", subtype="FLOAT", **more)
    return SimpleUploadedFile(name, buffer.getvalue(), content_type="audio/wav")


def sounding(name, frequency=440.0, **more):
    sound = tone(frequency, **more)
    return wav(name, sound.samples, sound.rate)


def sent(client, **fields):
    return client.post(reverse("score-files"), fields)


def refused(response):
    assert response.status_code == 422
    assert Signal.objects.count() == 0
    assert not Job.objects.exists()
    assert not AuditEvent.objects.exists()
    return " ".join(response.content.decode().split())


def test_two_files_become_signals_and_a_job_that_scores_them(researcher):
    response = sent(
        researcher,
        references=sounding("clean.wav"),
        degraded=sounding("coded.wav", 450.0),
        metrics=METRICS,
    )
    job = Job.objects.get()
    assert response.url == reverse("job", args=[job.pk])
    reference, degraded = (
        Signal.objects.get(title="clean.wav"),
        Signal.objects.get(title="coded.wav"),
    )
    assert degraded.provenance == "uploaded by alice"
    assert AuditEvent.objects.get(act="upload").actor == "alice"
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.message) == (Job.State.DONE, "2 new scores")
    assert Score.objects.get(metric="si-sdr").reference == reference
    assert Score.objects.get(metric="true-peak").signal == degraded
    assert AuditEvent.objects.get(act="score").actor == "alice"


def test_several_pairs_are_told_by_their_names_and_one_reference_serves_all(researcher):
    response = sent(
        researcher,
        references=[sounding("a.wav", 300.0), sounding("b.wav", 400.0)],
        degraded=[sounding("b.flac", 410.0), sounding("a.ogg", 310.0)],
        metrics=METRICS,
    )
    assert response.status_code == 302
    titles = dict(Signal.objects.values_list("pk", "title"))
    pairs = [[titles[pk] for pk in pair] for pair in Job.objects.get().arguments["pairs"]]
    assert pairs == [["b.flac", "b.wav"], ["a.ogg", "a.wav"]]
    sent(
        researcher,
        references=sounding("c.wav"),
        degraded=[sounding("d.wav", 450.0), sounding("e.wav", 460.0)],
    )
    last = Job.objects.first().arguments["pairs"]
    assert len(last) == 2
    assert len({reference for _, reference in last}) == 1


def test_signals_that_are_here_can_be_chosen(researcher, db):
    reference, degraded = stored_tone(440), stored_tone(450)
    sent(researcher, signals=[degraded.pk], reference=reference.pk, metrics=METRICS)
    assert Job.objects.get().arguments["pairs"] == [[degraded.pk, reference.pk]]
    assert not AuditEvent.objects.filter(act="upload").exists()


def test_a_lag_is_undone_where_that_is_asked_for(researcher):
    """A late copy of other length: refused as it lies, a copy once it is aligned."""
    noise = np.random.default_rng(2).uniform(-0.5, 0.5, 48_000)
    late = np.concatenate([np.zeros(300), noise])
    reason = refused(sent(researcher, references=wav("a.wav", noise), degraded=wav("b.wav", late)))
    assert "expected 48000 frames as in the reference, found 48300 frames" in reason
    files = {"references": wav("a.wav", noise), "degraded": wav("b.wav", late)}
    sent(researcher, **files, metrics=["esr"], align="on")
    job = Job.objects.get()
    jobs.run(job.pk)
    score = Score.objects.get()
    assert (score.status, score.lag_undone) == ("ok", True)
    assert score.value == pytest.approx(0, abs=1e-9)
    table = researcher.get(f"{reverse('scores')}?job={job.pk}").content.decode()
    assert "their lag undone" in " ".join(table.split())
    assert f"?reference={score.reference.sha256}&amp;aligned=1" in table


def test_without_a_reference_only_metrics_that_need_none_apply(researcher):
    text = refused(sent(researcher, degraded=sounding("a.wav"), metrics=["si-sdr"]))
    assert "Expected a reference for these metrics, found none." in text
    sent(researcher, degraded=sounding("a.wav"), metrics=METRICS)
    assert Job.objects.get().arguments["pairs"] == [[Signal.objects.get().pk, None]]


SOUND = tone(440.0).samples
HOSTILE = {
    "no audio": (SimpleUploadedFile("a.wav", b"<?php echo 1; ?>" * 99), "one that does not decode"),
    "raw": (SimpleUploadedFile("a.raw", b"\x01" * 999), "one that does not decode"),
    "empty": (SimpleUploadedFile("a.wav", b""), "empty"),
    "nan": (wav("a.wav", SOUND * np.nan), "expected finite samples, found 48000 NaN"),
    "silent": (wav("a.wav", SOUND * 0), "expected an audible signal, found silence"),
    "rate": (
        wav("a.wav", SOUND[:, :8_000], 4_000),
        "expected a sample rate of 8000 to 192000 Hz, found 4000",
    ),
    "channels": (
        wav("a.wav", np.tile(SOUND[:, :999], (30, 1))),
        "expected 1 to 24 channels, found 30",
    ),
    "long": (sounding("a.wav", duration=3.5), "expected at most 0.05 minutes, found 0.1"),
    "wide": (
        sounding("a.wav", duration=2.9, channels=8),
        "expected at most 2 MB of samples, found 4 MB",
    ),
    "length": (
        sounding("a.wav", duration=0.9),
        "expected 48000 frames as in the reference, found 43200",
    ),
    "other rate": (
        sounding("a.wav", rate=44_100),
        "expected 48000 Hz as in the reference, found 44100",
    ),
    "other layout": (
        sounding("a.wav", channels=2),
        "expected 1 channel as in the reference, found 2",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_by_name_and_nothing_is_kept(researcher, settings, kind):
    settings.UPLOAD_SECONDS, settings.UPLOAD_MB = 3, 2
    file, said = HOSTILE[kind]
    file.seek(0)
    # a hostile one among good ones: these are not kept either
    response = sent(
        researcher, references=sounding("clean.wav"), degraded=[sounding("good.wav", 450.0), file]
    )
    text = refused(response) if response.status_code == 422 else response.content.decode()
    if kind == "wide":
        # so wide that the whole form is beyond the limit already
        assert response.status_code == 413
        assert "Expected at most 2 MB in one form" in text
        assert Signal.objects.count() == 0
    else:
        assert said in text


def test_a_small_file_that_decodes_to_a_large_one_is_refused(researcher, settings):
    settings.UPLOAD_MB = 2
    buffer = io.BytesIO()
    quiet = np.zeros((400_000, 2))
    quiet[0] = 0.5
    soundfile.write(buffer, quiet, 48_000, format="FLAC")
    assert len(buffer.getvalue()) < 100_000
    file = SimpleUploadedFile("bomb.flac", buffer.getvalue())
    text = refused(sent(researcher, degraded=file))
    assert "bomb.flac: expected at most 2 MB of samples, found 3 MB" in text


def test_a_form_beyond_the_limit_is_refused_before_it_is_read(researcher, settings, monkeypatch):
    settings.UPLOAD_MB = 1
    read = []
    monkeypatch.setattr("listening.uploads.read", lambda *args, **kwargs: read.append(args))
    response = sent(researcher, degraded=SimpleUploadedFile("a.wav", b"\0" * 3_000_000))
    assert response.status_code == 413
    assert (
        "Expected at most 1 MB in one form, found 3 MB; nothing was kept."
        in response.content.decode()
    )
    assert read == []


def test_too_many_files_and_none_at_all_are_refused(researcher, settings):
    settings.UPLOAD_FILES = 2
    text = refused(sent(researcher, degraded=[sounding(f"{n}.wav") for n in range(3)]))
    assert "Expected at most 2 files, found 3." in text
    assert "Expected at least one sound to be scored, found none." in refused(sent(researcher))
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    response = sent(researcher, degraded=[sounding(f"{n}.wav") for n in range(3)])
    assert response.status_code == 400
    assert "This form could not be read" in response.content.decode()


def test_names_that_do_not_pair_are_refused(researcher):
    text = refused(
        sent(
            researcher,
            references=[sounding("a.wav"), sounding("b.wav", 300.0)],
            degraded=sounding("c.wav"),
        )
    )
    assert "c.wav: expected a reference of the same name among the 2 sent, found none." in text
    text = refused(
        sent(
            researcher,
            references=[sounding("a.wav"), sounding("a.flac", 300.0)],
            degraded=sounding("a.wav"),
        )
    )
    assert "Expected references of different names" in text


def test_a_name_is_shown_without_its_folders_and_without_its_markup(researcher):
    text = refused(
        sent(researcher, degraded=SimpleUploadedFile("../<script>x.wav", b"no audio at all"))
    )
    assert "<script>x" not in text
    assert "../" not in text.partition("<main")[2].partition("errorlist")[2].partition("</ul>")[0]


def test_the_form_s_token_is_checked_although_the_limit_comes_first(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert sent(client, degraded=sounding("a.wav")).status_code == 403
    assert not Signal.objects.exists()


def test_a_visitor_sends_nothing(anonymous, db):
    assert sent(anonymous, degraded=sounding("a.wav")).status_code == 302
    assert not Signal.objects.exists()


def test_the_limits_stand_on_the_page(researcher, settings):
    settings.UPLOAD_FILES, settings.UPLOAD_MB, settings.UPLOAD_SECONDS = 7, 11, 90
    text = researcher.get(reverse("score-files")).content.decode()
    assert "At most 7 files, 11 MB together" in text
    assert "1.5 minutes each" in text
