"""The whole plan in a real browser, by keys alone and on a phone, with a headphone check that is really heard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from listening.headphones import right_answer
from listening.models import Page, Session
from tests.browser.listening import expect_saved
from tests.factories import WHOLE_PLAN, mushra_campaign

pytestmark = pytest.mark.django_db(transaction=True)

# what the two ears get of what goes to the loudspeakers: levels, and how alike they are
EARS = """
const connectEars = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode && target.context instanceof AudioContext) {
    const { context } = target;
    const split = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
    window.ears = [0, 1].map(() => new AnalyserNode(context, { fftSize: 8192 }));
    connectEars.call(this, split);
    window.ears.forEach((ear, channel) => connectEars.call(split, ear, channel));
  }
  return connectEars.call(this, target, ...rest);
};
window.between = () => {
  const [left, right] = window.ears.map((ear) => {
    const samples = new Float32Array(ear.fftSize);
    ear.getFloatTimeDomainData(samples);
    return samples;
  });
  const dot = (a, b) => a.reduce((sum, one, index) => sum + one * b[index], 0);
  const [l, r] = [Math.sqrt(dot(left, left)), Math.sqrt(dot(right, right))];
  return { left: l, right: r, correlation: l && r ? dot(left, right) / (l * r) : 0 };
};
"""


@pytest.fixture
def long_session(page, live_server) -> Session:
    campaign = mushra_campaign(items=2, plan=WHOLE_PLAN)
    page.add_init_script(EARS)
    page.goto(f"{live_server.url}/t/tones/?PROLIFIC_PID=abc")
    page.get_by_role("button", name="Start the test").click()
    named(page, "Your consent")
    return campaign.sessions.get()


def named(page, heading: str) -> None:
    expect(page.get_by_role("heading", name=heading)).to_be_visible()


def answer_questions(page) -> None:
    page.get_by_label("How old are you?").fill("30")
    page.get_by_role("radio", name="yes").check()
    page.get_by_role("checkbox", name="headphones").check()
    page.get_by_role("radio", name="4").check()


def set_volume(page, level: str) -> None:
    slider = page.get_by_role("slider", name="Volume")
    expect(page.get_by_role("button", name="Continue")).to_be_disabled()
    page.get_by_role("button", name="Play").click()
    slider.fill(level)
    expect_saved(page)


def check_trials(page, session, count: int) -> None:
    expect(page.get_by_role("button", name="Play once")).to_be_visible()
    for _ in range(count):
        trial = session.current_page()
        expect(page.get_by_text(f"Page {trial.number} of")).to_be_visible()
        answer = right_answer(trial.slots.get().clip.partition("/")[2])
        radios = page.get_by_role("radio")
        expect(radios.first).to_be_disabled()
        page.get_by_role("button", name="Play once").click()
        expect(radios.first).to_be_enabled()
        expect(page.get_by_role("button", name="Play once")).to_be_disabled()
        page.locator(f'input[value="{answer}"]').check()
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text(f"Page {trial.number + 1} of")).to_be_visible()


def rate_everything(page) -> None:
    expect(page.locator("#transport")).to_be_visible()
    for label in "12345":
        page.keyboard.press(label)
        expect(page.locator(f'.fader input[data-label="{label}"]')).to_be_focused()
        page.keyboard.press("PageUp")
    page.locator("#next").click()


def test_every_part_from_the_invitation_to_the_completion_code(page, live_server, long_session):
    session = long_session
    named(page, "Your consent")
    page.get_by_role("button", name="I agree and take part").click()
    named(page, "About you")
    page.get_by_role("button", name="Continue").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("4 answers need another look")
    expect(alert).to_be_focused()
    answer_questions(page)
    page.get_by_role("button", name="Continue").click()
    named(page, "Set a comfortable volume")
    set_volume(page, "-9")
    # a reload keeps what was set
    page.reload()
    expect(page.get_by_role("slider", name="Volume")).to_have_value("-9")
    page.get_by_role("button", name="Continue").click()
    check_trials(page, session, 10)
    assert list(session.checks.values_list("right", flat=True)) == [6, 4]
    named(page, "How it goes")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("note")).to_contain_text("Its answers are not counted.")
    rate_everything(page)
    expect(page.get_by_role("note")).to_have_count(0)
    rate_everything(page)
    named(page, "Anything else?")
    page.get_by_label("Comments").fill("Fine")
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_text("DONE1")).to_be_visible()
    link = page.get_by_role("link", name="Go back to where you came from")
    expect(link).to_have_attribute("href", "https://example.org/complete?cc=DONE1")
    session.refresh_from_db()
    assert session.ending == Session.Ending.FINISHED
    assert session.listener.external_code == "abc"


def test_the_check_is_heard_between_the_ears_as_it_was_drawn(page, live_server, long_session):
    """In the analysers of the two channels: antiphase where the foil is, on one side where the side is."""
    session = long_session
    kinds = [Page.Kind.HEADPHONES]
    for trial in session.pages.filter(kind__in=kinds, part__in=[3, 4]):
        before = session.pages.filter(number__lt=trial.number)
        before.filter(finished_at=None).update(finished_at=session.created_at)
        test, _, variant = trial.slots.get().clip.partition("/")
        if test == "woods" and variant[0] != "3":
            continue
        page.goto(live_server.url + session.get_absolute_url())
        page.get_by_role("button", name="Play once").click()
        if test == "woods":
            foil = int(variant[2])
            expect(page.locator(".lamp.lit")).to_have_text(str(foil))
            page.wait_for_function("() => window.between().correlation < -0.999")
        else:
            # the dither of the silent side stays far below
            heard = {
                "left": "l > 1 && r < 0.001",
                "right": "r > 1 && l < 0.001",
                "both": "l > 1 && r > 1",
            }
            page.wait_for_function(
                f"() => {{ const {{left: l, right: r}} = window.between(); return {heard[variant]}; }}"
            )


def test_a_phone_shows_every_part_without_scrolling_sideways(browser, live_server):
    campaign = mushra_campaign(items=2, plan=WHOLE_PLAN)
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(f"{live_server.url}/t/tones/")
    page.get_by_role("button", name="Start the test").tap()
    named(page, "Your consent")
    session = campaign.sessions.get()
    for one in session.pages.all():
        page.goto(live_server.url + session.get_absolute_url())
        expect(page.get_by_text(f"Page {one.number} of")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        small = page.evaluate(
            """() => [...document.querySelectorAll("button, .options label, .verdict label")]
              .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 44)
              .map((one) => one.textContent)"""
        )
        assert small == []
        session.pages.filter(pk=one.pk).update(finished_at=session.created_at)
    context.close()


def test_the_forms_work_without_scripts(browser, live_server):
    campaign = mushra_campaign(items=2, plan=WHOLE_PLAN)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/t/tones/")
    page.get_by_role("button", name="Start the test").click()
    page.get_by_role("button", name="I do not agree").click()
    expect(page.get_by_text("You did not agree to take part.")).to_be_visible()
    assert campaign.sessions.get().ending == Session.Ending.REFUSED
    context.close()
