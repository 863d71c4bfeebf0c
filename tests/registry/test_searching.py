"""Searches as rows: any number of workers, none of whose trials is lost or doubled, and a version with its reason."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from models_registry import jobs, search_tables, searching
from models_registry.audio import Audio, write
from models_registry.models import AudioModel, AuditEvent, Job, ModelVersion, Search, SearchTrial
from tests.engine.cast import noise
from tests.factories import here

pytest.importorskip("optuna", reason="the extra 'engine' is not installed")
pytestmark = pytest.mark.django_db(transaction=True)

SPACE = {
    "loss.stft": {"low": 0.0, "high": 1.0},
    "blocks.level": {"choices": {"there": "as written", "none": None}},
}
PLAN = {"trials": 12, "seeds": 3, "finalists": 2}
# 0 to 12, then the recipe as written and two finalists with three seeds each
WHOLE = 13 + 3 * 3


class Killed(BaseException):
    """What no worker survives: nothing is written down on the way out."""


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def made(tmp_path):
    """A search over the overdrive, made but not begun."""

    def make(**plan):
        file = tmp_path / "space.json"
        file.write_text(json.dumps(SPACE))
        return searching.searched(
            "overdrive",
            {"training.steps": "4"},
            space=file,
            plan={**PLAN, **plan},
            actor="alice",
            project=here(),
        )

    return make


@pytest.fixture
def attempts(monkeypatch):
    """In the place of trainings: the quality is what stft lacks of 0.7, the level block costs 1, and seeds differ."""
    from models_registry.engine import importance, trials

    # intervals of importance are not what is tested here, and take their time
    monkeypatch.setattr(importance, "REDRAWN", 2)
    calls: list[tuple[float, int]] = []
    before: dict[int, BaseException | object] = {}

    def attempt(recipe, *, seed, directory, **options):
        calls.append((recipe.loss["stft"], seed))
        event = before.pop(len(calls), None)
        if isinstance(event, BaseException):
            raise event
        if callable(event):
            event()
        quality = (recipe.loss["stft"] - 0.7) ** 2 + len(recipe.chain["blocks"]) - 3 + 0.01 * seed
        return trials.Outcome("done", {"quality": quality, "parts": 4.0}, ((0, 9.0), (4, quality)))

    monkeypatch.setattr(trials, "attempt", attempt)
    # the version that comes of it is trained in another test
    monkeypatch.setattr(searching, "adopt", lambda search, number, *, actor: f"version of {number}")
    return calls, before


def worked(search):
    """One worker's work, to its end."""
    job = searching.here(search, actor="alice")
    jobs.work_here(job, lambda share, message: None)
    return job


def lost(search):
    """All workers of the search are gone without a word, and their leases have run out."""
    search.jobs.filter(state=Job.State.RUNNING).update(lease_until=now() - timedelta(seconds=1))


def each_once(search):
    rows = search.trials.order_by("number")
    assert [row.number for row in rows] == list(range(WHOLE))
    assert {row.state for row in rows} == {"done"}
    assert len({(row.configuration, row.seed) for row in rows}) == WHOLE
    return [(row.configuration, row.seed, row.choices) for row in rows]


def test_a_search_finds_what_is_better_and_says_why(made, attempts):
    search = made()
    job = worked(search)
    search.refresh_from_db()
    each_once(search)
    assert job.state == Job.State.DONE
    best = search.trials.get(number=search.result["best"])
    assert best.choices["blocks.level"] == "none"
    assert abs(best.choices["loss.stft"] - 0.7) < 0.2
    assert search.result["shown"]
    assert search.result["seeds"] == [1, 2, 3]
    assert search.result["sentence"] in job.message
    assert job.message.endswith(f"Registered version of {best.number}.")
    assert search.result["importance"]["shares"][0]["module"] == "level"
    assert list(AuditEvent.objects.values_list("act", flat=True)) == ["search", "search-found"]


@pytest.mark.parametrize("where", [1, 7, 14, WHOLE])
def test_a_killed_worker_loses_no_trial_and_doubles_none(made, attempts, where):
    calls, before = attempts
    whole = made()
    worked(whole)
    calls.clear()

    search = made()
    before[where] = Killed()
    with pytest.raises(Killed):
        worked(search)
    assert search.trials.get(state="running").number == where - 1
    lost(search)
    worked(search)
    # the one that it was at is begun again, and all is as if nothing had happened
    assert each_once(search) == each_once(whole)
    assert len(calls) == WHOLE + 1


def test_a_killed_worker_s_trial_is_left_to_it_while_its_lease_holds(made, attempts):
    _, before = attempts
    search = made()
    before[3] = Killed()
    with pytest.raises(Killed):
        worked(search)
    assert list(search.trials.abandoned()) == []
    lost(search)
    assert [trial.number for trial in search.trials.abandoned()] == [2]


def test_two_workers_on_one_search_never_try_the_same(made, attempts):
    """The second comes while the first trains, and does what there is to do until it would have to wait."""
    calls, before = attempts
    search = made()

    def second():
        job = searching.here(search, actor="bob")
        lease = jobs.Lease(job)
        worker = searching._Worker(search, lease)
        while isinstance(trial := worker.next(), SearchTrial):
            worker.try_out(trial)
        Job.objects.filter(pk=job.pk).update(state=Job.State.STOPPED)

    before[4] = second
    worked(search)
    each_once(search)
    assert len(calls) == WHOLE
    assert search.trials.values("job").distinct().count() == 2


def test_who_is_second_with_a_number_takes_the_next(made, attempts, monkeypatch):
    search = made()
    other = searching.here(search, actor="bob")
    read = searching.trials_of
    raced: list[bool] = []

    def trials_of(asked):
        found = read(asked)
        if len(found) == 3 and not raced:
            # between reading and writing
            raced.append(True)
            SearchTrial.objects.create(
                search=search,
                number=3,
                configuration=3,
                seed=0,
                choices={"loss.stft": 0.5, "blocks.level": "there"},
                state="done",
                values={"quality": 1.04},
                job=other,
                attempt=1,
            )
        return found

    monkeypatch.setattr(searching, "trials_of", trials_of)
    worked(search)
    each_once(search)
    assert raced


def test_a_worker_that_slept_through_its_lease_writes_nothing(made, attempts):
    _, before = attempts
    search = made()

    def taken_over():
        search.trials.filter(state="running").update(attempt=99)

    before[2] = taken_over
    job = searching.here(search, actor="alice")
    worker = searching._Worker(search, jobs.Lease(job))
    for _ in range(2):
        trial = worker.next()
        assert isinstance(trial, SearchTrial)
        worker.try_out(trial)
    assert search.trials.get(number=1).state == "running"
    assert search.trials.get(number=1).values == {}


def test_a_configuration_that_cannot_be_followed_fails_alone(made, attempts):
    _, before = attempts
    search = made()
    before[5] = ValueError("expected a finite loss, found nan")
    worked(search)
    failed = search.trials.get(state="failed")
    assert (failed.number, failed.message) == (4, "expected a finite loss, found nan")
    search.refresh_from_db()
    assert search.result is not None


def test_where_the_recipe_as_written_fails_the_search_says_so_and_can_go_on(made, attempts):
    _, before = attempts
    search = made()
    before[1] = ValueError("expected recordings, found none")
    job = worked(search)
    assert (job.state, job.message) == (Job.State.FAILED, "expected recordings, found none")
    worked(search)
    each_once(search)


def test_stopping_keeps_the_trial_at_hand_for_who_goes_on(made, attempts, monkeypatch):
    from models_registry.engine import trials

    search = made()
    whole = trials.attempt

    def stopped(recipe, **options):
        monkeypatch.setattr(trials, "attempt", whole)
        search.request_stop()
        return trials.Outcome("running", {}, ((0, 9.0),))

    monkeypatch.setattr(trials, "attempt", stopped)
    job = searching.here(search, actor="alice")
    lease = jobs.Lease(job)
    worker = searching._Worker(search, lease)
    trial = worker.next()
    assert isinstance(trial, SearchTrial)
    worker.try_out(trial)
    Job.objects.filter(pk=job.pk).update(state=Job.State.STOPPED)
    assert [trial.number for trial in search.trials.abandoned()] == [0]
    worked(search)
    each_once(search)


def test_workers_are_queued_and_asked_again_before_others_are_added(made):
    search = made()
    first = searching.queue(search, 2, actor="alice")
    search.request_stop()
    again = searching.queue(search, 3, actor="alice")
    assert {job.pk for job in first} < {job.pk for job in again}
    assert search.jobs.count() == 3
    with pytest.raises(searching.SearchError, match="1 to 64 workers, found 0"):
        searching.queue(search, 0, actor="alice")


def test_a_search_that_is_over_is_not_gone_on_with(made, attempts):
    search = made()
    worked(search)
    search.refresh_from_db()
    with pytest.raises(searching.SearchError, match="which is"):
        searching.here(search, actor="alice")
    with pytest.raises(searching.SearchError, match="there are: none"):
        searching.unfinished(here(), "overdrive")


@pytest.fixture
def concluding(made):
    """A search whose best another worker is making a version of, and the lease of one that came to its end second."""
    search = made()
    first, second = (searching.here(search, actor=name) for name in ("alice", "bob"))
    Job.objects.filter(pk=first.pk).update(message="making the best configuration a version")
    return search, first, jobs.Lease(second)


def test_who_is_not_the_first_at_the_end_names_the_version_that_the_first_makes(
    concluding, monkeypatch, tmp_path
):
    search, _, lease = concluding
    engine = pytest.importorskip("models_registry.engine")
    chain = engine.Chain.from_spec(engine.Recipe.load("overdrive").chain)
    chain.save(tmp_path / "weights.safetensors")

    def made_meanwhile(seconds):
        version = ModelVersion.objects.register(
            AudioModel.objects.create(name="found", title="Found", purpose="a test"),
            chain=chain.spec(),
            weights=(tmp_path / "weights.safetensors").read_bytes(),
            card={},
            reason="found",
        )
        Search.objects.filter(pk=search.pk).update(version=version)

    monkeypatch.setattr("models_registry.searching.time.sleep", made_meanwhile)
    assert str(searching._awaited(search, lease)) == "found@1"


def test_where_the_worker_that_made_the_version_was_lost_the_first_of_the_others_makes_it(
    concluding, monkeypatch
):
    search, first, lease = concluding
    third = jobs.Lease(searching.here(search, actor="carol"))
    Job.objects.filter(pk=lease.job.pk).update(message=searching.WAITING)

    def asleep(seconds):
        raise TimeoutError

    monkeypatch.setattr("models_registry.searching.time.sleep", asleep)
    with pytest.raises(TimeoutError):
        searching._awaited(search, lease)
    Job.objects.filter(pk=first.pk).update(lease_until=now() - timedelta(seconds=1))
    Job.objects.filter(pk=third.job.pk).update(message=searching.WAITING)
    assert searching._awaited(search, lease) is None
    with pytest.raises(TimeoutError):
        searching._awaited(search, third)


def test_the_newest_search_that_is_not_over_is_found(made):
    one, other = made(), made()
    assert searching.unfinished(here(), "overdrive") == other
    assert searching.unfinished(here(), "overdrive", one.pk) == one
    with pytest.raises(searching.SearchError, match=f"there are: {other.pk}, {one.pk}"):
        searching.unfinished(here(), "overdrive", 999)


@pytest.fixture
def halved(tmp_path):
    """A recipe for a gain of −6 dB that as it is written learns next to nothing, with a space in which it may."""
    for n in range(4):
        dry = noise(1, 2_000, seed=n)
        for folder, samples in (("dry", dry), ("wet", dry / 2)):
            (tmp_path / folder).mkdir(exist_ok=True)
            write(tmp_path / folder / f"{n}.wav", Audio(samples, 8_000))
    content = {
        "name": "halved",
        "title": "Halved",
        "purpose": "To test.",
        "chain": {"version": 1, "rate": 8_000, "blocks": [{"id": "level", "kind": "gain"}]},
        "data": {
            "source": "pairs",
            **{folder: str(tmp_path / folder) for folder in ("dry", "wet")},
            "train": [0, 3],
            "test": [3, 4],
        },
        "loss": {"stft": 0},
        "training": {
            "steps": 4,
            "batch": 1,
            "segment": 1_000,
            "learning_rate": 1e-6,
            "validate_every": 2,
        },
        "search": {"training.learning_rate": {"low": 0.01, "high": 0.5, "log": True}},
    }
    file = tmp_path / "halved.json"
    file.write_text(json.dumps(content))
    return file


def test_the_command_trains_compares_and_registers_what_is_better(halved):
    out = StringIO()
    arguments = ("--trials=3", "--seeds=3", "--finalists=1", "--format=json")
    call_command("search", str(halved), *arguments, stdout=out, stderr=StringIO())
    found = json.loads(out.getvalue())
    result = found["result"]
    assert found["state"] == "done"
    assert result["shown"]
    version = ModelVersion.objects.get()
    assert found["version"] == str(version) == "halved@1"
    assert version.reason == f"Search {found['search']} over halved: {result['sentence']}"
    best = [one for one in found["trials"] if one["configuration"] == result["best"]]
    assert (version.run.seed, version.run.recipe["training"]["learning_rate"]) == (
        1,
        best[0]["choices"]["training.learning_rate"],
    )
    # what was registered is what was compared
    quality = next(one["values"]["quality"] for one in best if one["seed"] == 1)
    assert version.card["validation"]["error_to_signal_ratio"] == quality
    text = search_tables.text(found)
    assert result["sentence"] in text
    assert "expected at least 10 explored trials, found 3" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["resynthesis"], "expected a section 'search'"),
        (["overdrive", "--space=nowhere.json"], "no file that can be read"),
        (["overdrive", "--trials=0"], "at least 1 trial"),
        (["overdrive", "--objectives=beauty"], "quality among them"),
        (["overdrive", "--workers=0"], "1 to 64 workers"),
        (["overdrive", "--resume"], "there are: none"),
        (["overdrve"], "did you mean 'overdrive'"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_written(arguments, words):
    with pytest.raises(CommandError, match=words) as caught:
        call_command("search", *arguments, stdout=StringIO())
    assert caught.value.returncode == 2
    assert Search.objects.count() == Job.objects.count() == 0
