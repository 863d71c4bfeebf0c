"""webMUSHRA's configurations as campaign documents; what its pages mean is as its documentation says."""

from __future__ import annotations

import pytest

from listening.exchange import campaign_document, webmushra
from listening.exchange.documents import DocumentError

MUSHRA = """
testname: Codecs
testId: Codecs 1
bufferSize: 2048
stopOnErrors: true
showButtonPreviousPage: yes
remoteService: service/write.php
pages:
    - type: generic
      id: first
      name: Welcome
      content: <h1>Hello</h1><p>Note: it takes <b>ten</b> minutes.</p><ul><li>one<li>two</ul>
    -
        - random
        - type: mushra
          id: trial1
          name: Mono
          content: it's here: listen
          reference: configs/mono_ref.wav
          createAnchor35: true
          createAnchor70: true
          stimuli:
              C1: configs/mono_c1.wav
              C2: configs/mono_c2.wav
        -
            - random
            - type: mushra
              id: trial2
              reference: configs/stereo_ref.wav
              createAnchor35: true
              createAnchor70: true
              stimuli:
                  C1: configs/stereo_c1.wav
                  C2: configs/stereo_c2.wav
    - type: finish
      name: Thanks
      content: Thank you
      showResults: true
      questionnaire:
        - {type: text, label: eMail, name: email}
        - {type: number, label: Age, name: age, min: 0, max: 100}
        - {type: likert, label: Gender, name: gender, response: [{value: f, label: Female}, {value: m, label: Male}]}
        - {type: long_text, label: Say more, name: More Words, optional: true}
"""


def imported(text: str, **options) -> webmushra.Imported:
    found = webmushra.campaigns(webmushra.read(text.encode(), name="test.yaml"), **options)
    for campaign in found.campaigns:
        campaign_document.checked(campaign, name="imported")
    return found


def test_a_mushra_configuration_is_one_campaign_with_all_it_compares():
    [campaign] = imported(MUSHRA).campaigns
    assert (campaign["slug"], campaign["title"], campaign["collect"]) == (
        "codecs-1",
        "Codecs",
        "Codecs 1",
    )
    assert campaign["method"] == "mushra"
    assert [one["name"] for one in campaign["conditions"]] == [
        "reference",
        "anchor35",
        "anchor70",
        "C1",
        "C2",
    ]
    assert [one["title"] for one in campaign["items"]] == ["trial1", "trial2"]
    assert campaign["items"][1]["stimuli"]["C2"] == "configs/stereo_c2.wav"
    assert "options" not in campaign


def test_the_pages_around_become_parts_in_their_order():
    [campaign] = imported(MUSHRA).campaigns
    parts = campaign["plan"]
    assert [part["part"] for part in parts] == ["instructions", "ratings", "questions", "finish"]
    assert parts[0]["text"] == "Hello\n\nNote: it takes ten minutes.\n\n• one\n• two"
    assert [question["ask"] for question in parts[2]["questions"]] == [
        "text",
        "number",
        "choice",
        "text",
    ]
    assert parts[2]["questions"][2]["choices"] == ["Female", "Male"]
    assert parts[2]["questions"][3]["name"] == "more_words"


def test_what_would_unblind_is_not_taken_over_and_said():
    notes = " ".join(
        imported(
            MUSHRA.replace("content: it's", "showConditionNames: true\n          content: it's")
        ).notes
    )
    assert "showResults is not taken over" in notes
    assert "showConditionNames is not taken over" in notes


def test_a_page_without_its_anchors_is_no_mushra_and_says_so():
    found = imported(MUSHRA.replace("createAnchor70: true", "createAnchor70: false"))
    assert found.campaigns[0]["options"] == {"anchors": ["anchor35"]}
    assert any("anchor70" in note for note in found.notes)


OTHERS = """
testId: mixed
pages:
    - {type: bs1116, id: b, reference: r.wav, stimuli: {X: x.wav}}
    - {type: paired_comparison, id: p, reference: r.wav, unforced: none, stimuli: {X: x.wav, Y: y.wav}}
    - type: likert_single_stimulus
      id: l
      stimuli: {X: x.wav, Y: y.wav}
      response: [{value: 1}, {value: 2}, {value: 3}, {value: 4}, {value: 5}]
"""


def test_a_configuration_of_several_methods_is_a_campaign_of_each():
    found = imported(OTHERS, slug="mine").campaigns
    assert [(one["slug"], one["method"]) for one in found] == [
        ("mine", "bs1116"),
        ("mine-abx-x", "abx"),
        ("mine-abx-y", "abx"),
        ("mine-acr", "acr"),
    ]
    assert {one["collect"] for one in found} == {"mixed"}


def test_pages_of_one_id_are_numbered():
    page = "    - {type: bs1116, id: b, reference: r.wav, stimuli: {X: x.wav}}\n"
    found = imported("testId: t\npages:\n" + page + page)
    assert [item["title"] for item in found.campaigns[0]["items"]] == ["b", "b (2)"]


SPATIAL = OTHERS + "    - {type: spatial, id: s, value: no}\n"


def test_a_page_without_counterpart_is_named_and_skipped_on_request():
    with pytest.raises(DocumentError, match="line 10, column 7: .*'spatial'"):
        imported(SPATIAL)
    assert imported(SPATIAL, skip=True).skipped[0].startswith("s: expected a page of mushra")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("pages: 3", "expected a configuration with a list of pages"),
        ("pages: []", "expected at least one page to be rated"),
        ("pages: [{id: a}]", "a mapping without a type"),
        ("pages: [random]", "expected at least one page to be rated"),
        ("pages: [[{type: generic}, random]]", "found 'random'"),
        ("pages: [{type: mushra, reference: r.wav}]", "expected stimuli by name"),
        ("pages: [{type: mushra, stimuli: {A: a.wav}}]", "expected the file of a reference"),
        ("pages: [{type: mushra, reference: r.wav, stimuli: {A: 3}}]", "expected a file, found 3"),
        (
            "pages: [{type: mushra, reference: r.wav, stimuli: {reference: a.wav}}]",
            "names of their own",
        ),
        (
            "pages: [{type: likert_single_stimulus, stimuli: {A: a.wav}, response: [{value: 9}]}]",
            "values 1 to 5",
        ),
    ],
)
def test_a_configuration_that_asks_for_nothing_clear_is_refused(text, what):
    with pytest.raises(DocumentError) as refusal:
        imported(text)
    assert what in str(refusal.value)


def test_scripts_in_texts_are_neither_kept_nor_shown():
    found = imported(
        MUSHRA.replace("<h1>Hello</h1>", "<script>alert(1)</script><img src=x onerror=y>Hello")
    )
    text = found.campaigns[0]["plan"][0]["text"]
    assert text.startswith("Hello")
    assert "alert" not in text
    assert any("pictures" in note for note in found.notes)
