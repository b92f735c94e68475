"""The rows of the database; this package imports nothing else of the service."""

from api.models.approvals import ApprovalRequest
from api.models.bookkeeping import AuditEntry, Heartbeat, IdempotentAnswer
from api.models.embeddings import Embedding
from api.models.keys import ApiKey, ReviewerAgreement
from api.models.predictions import LiveFigures, QueueClaim, SampleDraw, StoredPrediction
from api.models.reviews import LEARNED, NOT_COUNTED, ReviewedTweet, ReviewEvent
from api.models.runs import TrainingRun
from api.models.series import Anomaly, HourlySeries
from api.models.stream import DeadLetter, StreamEvent, StreamHour
from api.models.suppression import Suppression
from api.models.versions import ModelVersion, Promotion

__all__ = [
    "LEARNED",
    "NOT_COUNTED",
    "Anomaly",
    "ApiKey",
    "ApprovalRequest",
    "AuditEntry",
    "DeadLetter",
    "Embedding",
    "Heartbeat",
    "HourlySeries",
    "IdempotentAnswer",
    "LiveFigures",
    "ModelVersion",
    "Promotion",
    "QueueClaim",
    "ReviewEvent",
    "ReviewedTweet",
    "ReviewerAgreement",
    "SampleDraw",
    "StoredPrediction",
    "StreamEvent",
    "StreamHour",
    "Suppression",
    "TrainingRun",
]
