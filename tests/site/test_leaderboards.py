"""Leaderboards: what each column comes to, on pages, in files, and for everyone where it is opted for."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from listening import benchmarking, leaderboards
from listening.models import Benchmark, BenchmarkEntry, Campaign
from listening.readability import faithfulness, gini, networks_share, rungs_held, sparsity
from models_registry.models import AuditEvent, Job
from tests.factories import tone
from tests.site.test_benchmarks import (
    a_zip,
    nothing_kept,
    outputs_of,
    submitted,
    that_is_ranked,
)
from tests.site.test_studies import ABLATION

EXPLANATION = {
    "tiles": {"values": [[0.0, 0.0], [0.0, -4.0]]},
    "checks": {
        "planted": {"passed": True},
        "randomised": {"passed": None},
        "curves": {"passed": True, "random_area": 0.5, "deletion_area": 0.2, "orders": 20},
    },
}


# Hurley & Rickard 2009, section IV: the index of (0, …, 0, 1) is 1 − 1/N and that of equal coefficients 0
def test_sparsity_is_gini_index_in_its_closed_cases():
    assert gini([3, 3, 3, 3]) == pytest.approx(0)
    assert gini([0, 0, 0, 5]) == pytest.approx(3 / 4)
    # for (1, 2, 3, 4) twice the sum of |x − y| over pairs, 20, over 2 N² times the mean, 2.5
    assert gini([4, 1, 3, 2]) == pytest.approx(20 / (2 * 16 * 2.5))
    value, n, said = sparsity(EXPLANATION)
    assert (n, said) == (4, "")
    assert value == pytest.approx(3 / 4)
    assert sparsity({"tiles": {"values": [[0.0]]}})[0] is None


def test_faithfulness_is_what_deletion_gains_over_chance():
    value, n, said = faithfulness(EXPLANATION)
    assert (n, said) == (20, "2 of 3 checks passed")
    assert value == pytest.approx(0.6)
    assert faithfulness({"checks": {}})[0] is None


def test_networks_have_the_shares_of_the_adapters():
    assert networks_share(ABLATION)[0] == 0
    shares = [{"part": "adapter 1", "share": 0.25, "n": 2}, {"part": "pre", "share": 0.75, "n": 2}]
    assert networks_share({"shares": shares}) == (0.25, 2, "1 of 2 parts are networks")


def test_rungs_are_counted_where_they_could_be_judged():
    means = [3.0, 2.5, 1.0, None]
    ladder = {
        "name": "noise",
        "metrics": [
            {
                "metric": "pesq",
                "higher": True,
                "limit": 2.0,
                "lines": {"output": [{"mean": one} for one in means]},
                "fails": {"sentence": "fails from 5 dB on"},
            }
        ],
    }
    value, n, said = rungs_held({"ladders": [ladder]})
    assert (n, said) == (3, "noise fails from 5 dB on (pesq)")
    assert value == pytest.approx(2 / 3)
    assert rungs_held({"ladders": []})[0] is None


def test_the_page_defines_its_columns_and_says_what_is_not_applicable(researcher, version):
    benchmark = that_is_ranked(version)
    submitted(benchmark, noise=0.1)
    page = researcher.get(benchmark.get_absolute_url())
    text = " ".join(page.content.decode().split())
    assert f"<h1>{benchmark.title}</h1>" in text
    for column in leaderboards.board(benchmark).columns:
        assert f'id="column-{column.name}"' in text
        assert column.definition.split(":")[0][:40] in text.replace("&#x27;", "'").replace(
            "&gt;", ">"
        )
    assert "n/a" in text
    assert "75 [60, 90]" in text
    assert "estimate" in text
    assert "15 W" in text
    figure = researcher.get(reverse("benchmark-figure", args=["tones", 1, "front", "svg"]))
    assert figure.status_code == 200
    other = researcher.get(benchmark.get_absolute_url() + "?by=lsd").content.decode()
    assert "front.svg?by=lsd" in other
    assert "leaderboard.csv?by=lsd" in other


def test_everyone_reads_a_public_leaderboard_and_nothing_else(anonymous, researcher, version):
    benchmark = that_is_ranked(version)
    address = reverse("board", args=["tones", 1])
    page = anonymous.get(address)
    text = page.content.decode()
    assert page.status_code == 200
    for secret in ("/signals/", "/models/", "<audio", "/jobs/", "csrfmiddlewaretoken"):
        assert secret not in text
    assert (
        anonymous.get(reverse("board-figure", args=["tones", 1, "front", "svg"])).status_code == 200
    )
    hidden = reverse("benchmark-publish", args=["tones", 1])
    assert researcher.post(hidden, {"shown": "no"}).url == benchmark.get_absolute_url()
    for name, more in (
        ("board", []),
        ("board-export", ["csv"]),
        ("board-figure", ["front", "svg"]),
    ):
        assert anonymous.get(reverse(name, args=["tones", 1, *more])).status_code == 404
    acts = AuditEvent.objects.filter(act__in=("publish", "unpublish")).values_list("act", flat=True)
    assert list(acts.order_by("number")) == ["publish", "unpublish"]


def test_files_say_what_the_page_says(researcher, version):
    benchmark = that_is_ranked(version)
    submitted(benchmark, noise=0.1)

    def file(form):
        address = reverse("benchmark-export", args=["tones", 1, form])
        return researcher.get(address).content.decode()

    rows = list(csv.DictReader(io.StringIO(file("csv"))))
    (explained,) = (r for r in rows if r["column"] == "explained" and r["entry"] == "overdrive@1")
    assert (explained["value"], explained["low"], explained["n"]) == ("0.75", "0.6", "3")
    (absent,) = (r for r in rows if r["column"] == "explained" and r["entry"] == "noisy")
    assert (absent["value"], absent["note"]) == (
        "",
        "not applicable: outputs were sent, not a model",
    )
    told = json.loads(file("json"))
    assert told["sha256"] == benchmark.sha256
    assert told["entries"][0]["cells"]["si-sdr"]["rank"]["low"] >= 1
    assert r"\toprule" in file("tex")
    assert "n/a" in file("tex")
    assert researcher.get(reverse("benchmark-export", args=["tones", 1, "doc"])).status_code == 404


def sound(name, frequency, level=0.5):
    import soundfile

    raw, made = io.BytesIO(), tone(frequency, level=level, duration=0.5)
    soundfile.write(raw, made.samples.T, made.rate, subtype="FLOAT", format="WAV")
    return SimpleUploadedFile(name, raw.getvalue(), content_type="audio/wav")


def asked(**changes):
    return {
        "name": "voices",
        "title": "Voices",
        "purpose": "what is left of a voice",
        "inputs": [sound("a.wav", 300), sound("b.wav", 400)],
        "references": [sound("a.wav", 300, 0.25), sound("b.wav", 400, 0.25)],
        "metrics": ["si-sdr"],
        "ranked_by": "si-sdr",
        "suite": "standard",
        "method": "mushra",
        "watts": 15,
        **changes,
    }


def test_a_benchmark_is_made_edited_entered_and_rated_on_its_pages(researcher, version):
    made = researcher.post(reverse("benchmark-new"), asked())
    benchmark = Benchmark.objects.get()
    assert made.url == benchmark.get_absolute_url()
    assert [one.title for one in benchmark.items.all()] == ["a", "b"]
    again = reverse("benchmark-new") + "?of=voices@1"
    assert "The items of" not in researcher.get(again).content.decode()
    refused = researcher.post(again, asked(inputs=[], references=[]))
    assert refused.status_code == 422
    assert "found the same items and rules" in refused.content.decode()
    assert researcher.post(again, asked(inputs=[], references=[], watts=20)).status_code == 302
    assert Benchmark.objects.named("voices").edition == 2
    enter = reverse("benchmark-enter", args=["voices", 1])
    assert researcher.post(enter, {"enter-version": version.pk}).status_code == 302
    assert BenchmarkEntry.objects.get().job.state == Job.State.QUEUED
    assert researcher.post(enter, {"enter-version": version.pk}).status_code == 422
    send = reverse("benchmark-send", args=["voices", 1])
    source = a_zip(benchmark, outputs_of(benchmark)).read()
    sent = researcher.post(send, {"send-outputs": SimpleUploadedFile("s.zip", source)})
    assert sent.status_code == 302
    with nothing_kept():
        bad = researcher.post(send, {"send-outputs": SimpleUploadedFile("s.zip", source[:500])})
    assert bad.status_code == 422
    rated = researcher.post(reverse("benchmark-rate", args=["voices", 1]), {})
    assert rated.url == Campaign.objects.get().get_absolute_url()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"inputs": []}, "expected sounds that go in, found none"),
        ({"references": [sound("c.wav", 300)]}, "expected a reference for each of 2 inputs"),
        ({"metrics": ["lsd"]}, "expected ranked_by to be one of the metrics lsd"),
    ],
)
def test_a_form_that_is_refused_keeps_nothing(researcher, changes, said):
    with nothing_kept():
        response = researcher.post(reverse("benchmark-new"), asked(**changes))
    assert response.status_code == 422
    assert said in response.content.decode().replace("&#x27;", "'")


def test_the_command_freezes_shows_and_takes_part(db, tmp_path, capsys):
    folders = {}
    for kind, level in (("inputs", 0.5), ("references", 0.25)):
        folders[kind] = tmp_path / kind
        folders[kind].mkdir()
        for name, frequency in (("a.wav", 300), ("b.wav", 400)):
            (folders[kind] / name).write_bytes(sound(name, frequency, level).read())
    rules = tmp_path / "rules.yaml"
    rules.write_text("metrics: [si-sdr]\nranked_by: si-sdr\nstudies: []\n")
    call_command(
        "benchmark", "freeze", "voices", "--title=Voices", "--purpose=voices", f"--rules={rules}",
        f"--inputs={folders['inputs']}", f"--references={folders['references']}",
    )  # fmt: skip
    benchmark = Benchmark.objects.get()
    assert f"voices@1: 2 items, hash {benchmark.sha256}" in capsys.readouterr().out
    outputs = tmp_path / "outputs.zip"
    outputs.write_bytes(a_zip(benchmark, outputs_of(benchmark)).read())
    call_command("benchmark", "submit", "voices", str(outputs))
    call_command("benchmark", "kit", "voices", str(tmp_path / "kit.zip"))
    call_command("benchmark", "publish", "voices")
    call_command("benchmark", "show", "voices")
    out = capsys.readouterr().out
    assert "1 [1, 1]  noisy: si-sdr" in out
    assert "explained n/a" in out
    call_command("benchmark", "show", "voices@1", "--format=json")
    assert json.loads(capsys.readouterr().out)["ranked_by"] == "si-sdr"
    call_command("benchmark", "list")
    assert "voices@1: Voices, 1 entries, public" in capsys.readouterr().out
    for words, said in (
        (["show", "else"], "expected a benchmark such as voices@1, found 'else'"),
        (["show", "voices", "--by=energy"], "expected a column that ranks"),
        (["submit", "voices", str(rules)], "expected a zip"),
        (["rate", "voices", "none"], "expected a campaign, found no"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("benchmark", *words)
    benchmarking.publish(benchmark, shown=False, actor="alice")
    assert not Benchmark.objects.public().exists()


def test_an_entry_is_withdrawn_once_and_its_reason_stands_where_it_stood(
    anonymous, researcher, version
):
    benchmark = that_is_ranked(version)
    noisy = submitted(benchmark, noise=0.1)
    way = reverse("benchmark-withdraw", args=["tones", 1, noisy.pk])
    page = researcher.post(way, {"reason": " "}, follow=True).content.decode()
    assert "Expected a reason to withdraw noisy, found none." in page
    assert len(leaderboards.board(benchmark).lines) == 2
    researcher.post(way, {"reason": "it was trained on the items"})
    assert [one.entry.version for one in leaderboards.board(benchmark).lines] == [version]
    event = AuditEvent.objects.get(act="withdraw")
    assert (event.reason, event.content["entry"]) == ("it was trained on the items", "noisy")
    for client, address in ((researcher, "benchmark"), (anonymous, "board")):
        text = client.get(reverse(address, args=["tones", 1])).content.decode()
        assert "noisy was withdrawn on" in text
        assert "it was trained on the items" in text
    with pytest.raises(CommandError, match="noisy was withdrawn already"):
        call_command("benchmark", "withdraw", "tones", "noisy", reason="again")
    with pytest.raises(CommandError, match="among overdrive@1, noisy, found 'loud'"):
        call_command("benchmark", "withdraw", "tones", "loud", reason="why")
    assert noisy.outputs.count() == 2
