"""webMUSHRA's own tables: its headings to the letter, and lines as its write.php was seen to write them."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from listening.exchange.webmushra_tables import Rated, table
from listening.models import Campaign
from tests.factories import choice_campaign, mushra_campaign

UUID = "6c1e4f7e-6f0e-4c19-9d07-0c6d3c2c7d55"
PLAN: list[dict] = [
    {"part": "ratings"},
    {
        "part": "questions",
        "questions": [{"name": "email", "ask": "text", "text": "eMail", "optional": True}],
    },
]


def written(method, *rated):
    name, content = table(
        method, rated, test_id="A_m", questions=["email"], answers={"u-1": {"email": "a@b"}}
    )
    return name, content.decode().splitlines()


def one(condition, value, *, other="", reference=False, comment="", page=1, item="t1"):
    return Rated("u-1", page, item, condition, other, reference, value, 0.005, comment)


def test_a_line_of_mushra_is_the_one_that_webmushra_wrote():
    """Seen in a mushra.csv of webMUSHRA's."""
    assert written("mushra", one("reference", 100.0, reference=True)) == (
        "mushra.csv",
        [
            "session_test_id,email,session_uuid,trial_id,rating_stimulus,rating_score,rating_time,rating_comment",
            "A_m,a@b,u-1,t1,reference,100,5,",
        ],
    )


@pytest.mark.parametrize(
    ("method", "rated", "name", "lines"),
    [
        (
            "abx",
            [one("C1", 1.0, other="ref"), one("C1", 0.0, other="ref", page=2)],
            "paired_comparison.csv",
            [
                "session_test_id,email,trial_id,choice_reference,choice_non_reference,choice_answer,"
                "choice_time,choice_comment",
                "A_m,a@b,t1,ref,C1,correct,5,",
                "A_m,a@b,t1,ref,C1,incorrect,5,",
            ],
        ),
        (
            "bs1116",
            [one("C1", 3.4), one("ref", 5.0, reference=True)],
            "bs1116.csv",
            [
                "session_test_id,email,trial_id,rating_reference,rating_non_reference,"
                "rating_reference_score,rating_non_reference_score,rating_time,choice_comment",
                "A_m,a@b,t1,ref,C1,5,3.4,5,",
            ],
        ),
        (
            "acr",
            [one("C1", 4.0)],
            "lss.csv",
            [
                "session_test_id,email,trial_id,stimuli_rating,stimuli,rating_time",
                "A_m,a@b,t1,4,C1,5",
            ],
        ),
    ],
)
def test_every_table_has_its_heading(method, rated, name, lines):
    assert written(method, *rated) == (name, lines)


def test_fields_are_quoted_as_php_does():
    """PHP's manual: fputcsv encloses what has a delimiter, an enclosure, an escape, a tab, a line's end or a space."""
    _, lines = written("mushra", one("ref", 1.0, comment='too "loud", I say'))
    assert lines[1] == 'A_m,a@b,u-1,t1,ref,1,5,"too ""loud"", I say"'


@pytest.mark.django_db
def test_what_its_front_end_sent_comes_out_in_its_own_table(client, tmp_path, settings, capsys):
    settings.MEDIA_ROOT = tmp_path / "media"
    campaign = mushra_campaign(items=1, plan=PLAN)
    Campaign.objects.update(collect_as="A_m")
    scores = {"reference": 100, "system one": 55.5}
    responses = [
        {"stimulus": name, "score": score, "comment": "hm" if score < 60 else "", "time": 4321}
        for name, score in scores.items()
    ]
    sent = {
        "testId": "A_m",
        "uuid": UUID,
        "participant": {"name": ["email"], "response": ["a@b"]},
        "trials": [{"id": "tone 1", "type": "mushra", "responses": responses}],
    }
    body = "sessionJSON=" + json.dumps(sent)
    client.post("/collect", body, content_type="application/x-www-form-urlencoded")
    call_command("export", campaign.slug, "--to", str(tmp_path / "out"), "--as", "webmushra")
    assert (tmp_path / "out" / "mushra.csv").read_text().splitlines()[1:] == [
        f'A_m,a@b,{UUID},"tone 1",reference,100,4321,',
        f'A_m,a@b,{UUID},"tone 1","system one",55.5,4321,hm',
    ]


@pytest.mark.django_db
def test_a_method_without_a_table_there_is_refused(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "media"
    campaign = choice_campaign("triangle")
    with pytest.raises(CommandError, match="found 'triangle'"):
        call_command("export", campaign.slug, "--to", str(tmp_path / "out"), "--as", "webmushra")
    assert not (tmp_path / "out").exists()
