"""The rows of the database; this package imports nothing else of the service."""

from api.models.bookkeeping import AuditEntry, Heartbeat, IdempotentAnswer
from api.models.keys import ApiKey, ReviewerAgreement
from api.models.predictions import AuditDraw, LiveFigures, QueueClaim, StoredPrediction
from api.models.reviews import LEARNED, SILENT, ReviewedTweet, ReviewEvent
from api.models.runs import TrainingRun
from api.models.versions import ModelVersion, Promotion

__all__ = [
    "LEARNED",
    "SILENT",
    "ApiKey",
    "AuditDraw",
    "AuditEntry",
    "Heartbeat",
    "IdempotentAnswer",
    "LiveFigures",
    "ModelVersion",
    "Promotion",
    "QueueClaim",
    "ReviewEvent",
    "ReviewedTweet",
    "ReviewerAgreement",
    "StoredPrediction",
    "TrainingRun",
]
