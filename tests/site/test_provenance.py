"""From any number back to the data that its model learned from: as a page, as PROV-JSON, by a command."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from listening import lineage
from listening.lineage import Edge, Lineage, Node
from listening.models import Condition, Rating
from listening.provenance import ProvenanceError, trace
from metrics.models import Score
from models_registry import rendering
from models_registry.models import ModelVersion
from tests.factories import account, stored_tone


@pytest.fixture
def heard(rated, version):
    """The rated campaign, in which the system one is a model version."""
    condition = rated.conditions.get(name="system one")
    Condition.objects.filter(pk=condition.pk).update(version=version)
    for stimulus in condition.stimuli.select_related("trial__reference", "signal"):
        sound = stimulus.signal.audio()
        rendering.keep(version, stimulus.trial.reference, sound, actor="alice")
    return rated


def of_system_one(campaign):
    return Rating.objects.filter(
        page__session__campaign=campaign, stimulus__condition__name="system one"
    ).earliest("pk")


def test_a_rating_leads_to_the_data(heard):
    found = trace(f"rating/{of_system_one(heard).pk}", user=None)
    way = [
        ("rating", "stimulus"),
        ("stimulus", "signal"),
        ("signal", "rendering"),
        ("rendering", "model version"),
        ("model version", "weights"),
        ("weights", "training run"),
        ("training run", "recipe"),
    ]
    edges = {(found.nodes[one.source].kind, found.nodes[one.target].kind) for one in found.edges}
    assert {*way} <= edges
    assert found.first.kind == "rating"


def test_data_stand_where_the_recipe_names_them(heard, version):
    model, run = version.model, version.run
    from models_registry.models import Job, TrainingRun

    job = Job.objects.create(kind="train")
    run = TrainingRun.objects.create(
        model=model, recipe={"name": "x", "data": {"kind": "files"}}, seed=1, reason="w", job=job
    )
    made = ModelVersion.objects.register(
        model, chain={}, weights=b"w", card={}, reason="why", run=run
    )
    found = trace(f"version/{made}", user=None)
    assert ("recipe", "training data") in {
        (found.nodes[one.source].kind, found.nodes[one.target].kind) for one in found.edges
    }
    # and its parent is there with its own training
    assert f"version/{version}" in found.nodes
    assert len([node for node in found.nodes.values() if node.kind == "training run"]) == 2


def test_every_kind_has_a_page_and_valid_prov_json(heard, version, researcher):
    prov = pytest.importorskip("prov.model", reason="needs the extra 'test'")
    rating = of_system_one(heard)
    score = Score.objects.filter(signal=rating.stimulus.signal).earliest("pk")
    names = [
        f"rating/{rating.pk}",
        f"score/{score.pk}",
        f"stimulus/{rating.stimulus_id}",
        f"condition/{rating.stimulus.condition_id}",
        f"signal/{rating.stimulus.signal.sha256}",
        f"rendering/{version.renderings.latest('pk').pk}",
        f"version/{version}",
    ]
    for name in names:
        arguments = name.split("/", 1)
        page = researcher.get(reverse("provenance", args=arguments))
        assert page.status_code == 200, name
        told = researcher.get(reverse("provenance-json", args=arguments)).content.decode()
        document = prov.ProvDocument.deserialize(content=told, format="json")
        found = trace(name, user=None)
        assert len(list(document.get_records(prov.ProvElement))) == len(found.nodes), name
        assert len(list(document.get_records(prov.ProvRelation))) == len(found.edges), name
        # what was read is what was meant: the same document comes out again
        again = prov.ProvDocument.deserialize(content=document.serialize(), format="json")
        assert again == document


def test_a_page_links_every_box_and_says_the_same_in_words(heard, researcher):
    name = f"rating/{of_system_one(heard).pk}"
    found = trace(name, user=None)
    text = researcher.get(reverse("provenance", args=name.split("/"))).content.decode()
    for node in found.nodes.values():
        if node.address:
            assert text.count(f'href="{node.address}"') >= 2, node


def test_listeners_have_no_name(heard):
    rating = of_system_one(heard)
    told = json.dumps(lineage.as_prov_json(trace(f"rating/{rating.pk}", user=None), base="x:"))
    listener = rating.page.session.listener
    assert listener.code not in told
    assert str(rating.page.session.token) not in told
    assert "simulated listener" in told


def test_who_does_not_belong_to_the_project_is_told_nothing(heard, version):
    stranger = account("eve", project=_another_project())
    rating = of_system_one(heard)
    for name in (f"rating/{rating.pk}", f"version/{version}", f"stimulus/{rating.stimulus_id}"):
        with pytest.raises(ProvenanceError, match="that is here, found no"):
            trace(name, user=stranger)


def test_a_model_of_another_project_is_not_named(heard, version, alice):
    from models_registry.models import AudioModel

    AudioModel.objects.filter(pk=version.model.pk).update(project=_another_project())
    found = trace(f"rating/{of_system_one(heard).pk}", user=alice)
    assert "overdrive" not in " ".join(node.title for node in found.nodes.values())
    assert "Another project's model" in {node.title for node in found.nodes.values()}


def _another_project():
    from models_registry.teams import Project

    return Project.objects.create(name="Elsewhere", slug="elsewhere")


@pytest.mark.parametrize(
    "name",
    [
        "rating",
        "rating/",
        "rating/x",
        "rating/²",
        "rating/" + "9" * 40,
        "vase/1",
        "version/x@",
        "signal/-",
    ],
)
def test_what_names_nothing_is_refused_with_what_would(db, name):
    with pytest.raises(ProvenanceError, match="expected"):
        trace(name, user=None)
    with pytest.raises(CommandError, match="expected") as refused:
        call_command("provenance", name)
    assert refused.value.returncode == 2


def test_the_command_tells_it_in_words_and_as_prov_json(heard):
    name = f"rating/{of_system_one(heard).pk}"
    words, told = io.StringIO(), io.StringIO()
    call_command("provenance", name, stdout=words)
    call_command("provenance", name, "--format", "prov-json", stdout=told)
    assert "model version: overdrive@1" in words.getvalue()
    assert f"ear:{name}" in json.loads(told.getvalue())["entity"]


def test_a_sound_made_of_itself_makes_no_circle(version):
    one, other = stored_tone(901), stored_tone(902)
    rendering.keep(version, one, other.audio(), actor="alice")
    rendering.keep(version, other, one.audio(), actor="alice")
    found = trace(f"signal/{one.sha256}", user=None)
    assert not any(found.leads(edge.target, edge.source) for edge in found.edges)


def test_boxes_stand_below_what_was_made_of_them_and_beside_each_other():
    found = Lineage()
    for name in "abcde":
        found.add(Node(name, "entity", "thing", name))
    found.edges += [Edge(*one) for one in _pairs("ab", "ac", "bd", "cd", "ad", "de")]
    drawing = lineage.laid_out(found)
    at = {place.node.name: (place.x, place.y) for place in drawing.places}
    assert at["a"][1] < at["b"][1] == at["c"][1] < at["d"][1] < at["e"][1]
    assert abs(at["b"][0] - at["c"][0]) >= lineage.WIDTH
    assert all(0 <= x <= drawing.width - lineage.WIDTH for x, _ in at.values())
    assert len(drawing.paths) == 6


def _pairs(*pairs):
    return [(one, "wasDerivedFrom", other) for one, other in pairs]
