"""The rows of listening tests: the tests (campaign.py), what is compared (material.py), who is invited
(invitation.py), how it went (session.py), what was said of it (rating.py), and which study made it (origin.py).

What was decided of versions and campaigns by whom is in review.py, what was learned from tests, versions and trainings
in lesson.py, how systems compare on frozen items in benchmark.py, what people say of their tokens for the API in
token.py.
"""

from listening.models.benchmark import (
    Benchmark,
    BenchmarkEntry,
    BenchmarkItem,
    BenchmarkOutput,
)
from listening.models.campaign import Campaign
from listening.models.certificate import Certificate
from listening.models.invitation import Invitation
from listening.models.lesson import Lesson, LessonTag
from listening.models.material import Condition, Measured, Stimulus, Trial
from listening.models.origin import StudyCampaign
from listening.models.rating import Rating
from listening.models.review import (
    Action,
    AgendaPoint,
    Decision,
    Finding,
    PointNote,
    Reminder,
    Review,
    Reviewer,
    SoundComment,
)
from listening.models.session import (
    Check,
    Listener,
    Page,
    Response,
    Session,
    Slot,
    Visit,
)
from listening.models.template import Template
from listening.models.token import TokenNote

__all__ = [
    "Action",
    "AgendaPoint",
    "Benchmark",
    "BenchmarkEntry",
    "BenchmarkItem",
    "BenchmarkOutput",
    "Campaign",
    "Certificate",
    "Check",
    "Condition",
    "Decision",
    "Finding",
    "Invitation",
    "Lesson",
    "LessonTag",
    "Listener",
    "Measured",
    "Page",
    "PointNote",
    "Rating",
    "Reminder",
    "Response",
    "Review",
    "Reviewer",
    "Session",
    "Slot",
    "SoundComment",
    "Stimulus",
    "StudyCampaign",
    "Template",
    "TokenNote",
    "Trial",
    "Visit",
]
