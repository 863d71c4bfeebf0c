"""The ground floor's rows: signals, models, versions, training runs, renderings, statements, standings, studies,
searches, jobs, the record.

Nothing here is overwritten: a signal, a version, a rendering and an audit event are written once.
"""

from models_registry.models.jobs import Job, JobQuerySet
from models_registry.models.record import AuditEvent, AuditEventQuerySet, canonical_json
from models_registry.models.searches import Search, SearchTrial
from models_registry.models.signals import Signal, SignalQuerySet, signal_path
from models_registry.models.standings import (
    Allowance,
    AllowanceQuerySet,
    Standing,
    StandingQuerySet,
)
from models_registry.models.statements import ModelStatement, ModelStatementQuerySet
from models_registry.models.studies import Study, StudyQuerySet
from models_registry.models.verifications import Verification, VerificationQuerySet
from models_registry.models.versions import (
    AudioModel,
    AudioModelQuerySet,
    ModelVersion,
    ModelVersionQuerySet,
    NoReason,
    Rendering,
    RenderingQuerySet,
    TrainingRun,
    TrainingRunQuerySet,
    identity_hash,
    weights_path,
)
from models_registry.teams import Project

__all__ = [
    "Allowance",
    "AllowanceQuerySet",
    "AudioModel",
    "AudioModelQuerySet",
    "AuditEvent",
    "AuditEventQuerySet",
    "Job",
    "JobQuerySet",
    "ModelStatement",
    "ModelStatementQuerySet",
    "ModelVersion",
    "ModelVersionQuerySet",
    "NoReason",
    "Project",
    "Rendering",
    "RenderingQuerySet",
    "Search",
    "SearchTrial",
    "Signal",
    "SignalQuerySet",
    "Standing",
    "StandingQuerySet",
    "Study",
    "StudyQuerySet",
    "TrainingRun",
    "TrainingRunQuerySet",
    "Verification",
    "VerificationQuerySet",
    "canonical_json",
    "identity_hash",
    "signal_path",
    "weights_path",
]
