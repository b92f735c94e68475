"""Every setting, from environment variables or a `.env` file. docs/settings.md lists them all."""

import logging
import os
import re
import secrets
import sys
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.FileAwareEnv()  # NAME_FILE=/run/secrets/name is read where NAME is not set
env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))


def _positive(name: str, default: int) -> int:
    value: int = env.int(name, default=default)
    if value < 1:
        raise ImproperlyConfigured(f"{name} must be 1 or more, not {value}")
    return value


def _share(name: str, default: float) -> float:
    value: float = env.float(name, default=default)
    if not 0.0 <= value <= 1.0:
        raise ImproperlyConfigured(f"{name} must be from 0 to 1, not {value}")
    return value


# Where state lives, and who may read it.

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)


def _secret_key() -> str:
    """The key from the environment, else the one that the first start left in the data folder."""
    key: str = env.str("SECRET_KEY", default="")
    if key:
        return key
    path = DATA_DIR / "secret_key"
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(64)
        file.write(key)
    return key


SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
ADMIN_ENABLED = env.bool("ADMIN_ENABLED", default=False)
PUBLIC_PREDICT = env.bool("PUBLIC_PREDICT", default=True)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
PUBLIC_URL = env.str("PUBLIC_URL", default="")
if PUBLIC_URL and not PUBLIC_URL.startswith(("https://", "http://")):
    raise ImproperlyConfigured(f"PUBLIC_URL {PUBLIC_URL!r} is not a URL; write it as https://hate.example.org")

# Web server. `python manage.py start web` reads these.

HOST = env.str("HOST", default="127.0.0.1")
PORT = _positive("PORT", 8000)
WORKERS = _positive("WORKERS", min(2, os.cpu_count() or 1))
THREADS = _positive("THREADS", 4)
# Where this machine itself reaches the service.
_reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(HOST, f"[{HOST}]" if ":" in HOST else HOST)  # noqa: S104
LOCAL_URL = f"http://{_reachable}:{PORT}"

# Time.

USE_TZ = True
TIME_ZONE = "UTC"  # of answers and logs
_local_zone = env.str("TIME_ZONE", default="Europe/Warsaw")
try:
    LOCAL_ZONE = ZoneInfo(_local_zone)  # in which the night is reckoned
except (ZoneInfoNotFoundError, ValueError):
    raise ImproperlyConfigured(f"TIME_ZONE {_local_zone!r} is not a time zone; use a name like Europe/Warsaw") from None
try:
    NIGHTLY_AT = time.fromisoformat(env.str("NIGHTLY_AT", default="01:00"))
except ValueError:
    raise ImproperlyConfigured(f"NIGHTLY_AT {env.str('NIGHTLY_AT')!r} is not a time; use HH:MM") from None

# Django.

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False  # paths answer with and without one
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "api",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",  # refuses other hosts than ALLOWED_HOSTS; sends Content-Length
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
if ADMIN_ENABLED:
    INSTALLED_APPS = ["django.contrib.admin", "django.contrib.sessions", "django.contrib.messages", *INSTALLED_APPS]
    MIDDLEWARE += [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# HTTPS is ended by a proxy in front. API paths answer plain HTTP too: redirecting a POST would drop its body, and its
# key would already have crossed the wire.
HTTPS = env.bool("HTTPS", default=False)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(?!admin/)"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
X_FRAME_OPTIONS = "DENY"

# Scripts of other sites' pages may ask what Perspective's clients ask, and nothing else.
CORS_ORIGINS: list[str] = env.list("CORS_ORIGINS", default=[])
CORS_ALLOW_ALL_ORIGINS = "*" in CORS_ORIGINS
CORS_ALLOWED_ORIGINS = [origin for origin in CORS_ORIGINS if origin != "*"]
for _origin in CORS_ALLOWED_ORIGINS:
    if not re.fullmatch(r"https?://[^/\s]+", _origin):
        raise ImproperlyConfigured(f"CORS_ORIGINS has {_origin!r}, which is no origin; write it as https://example.org")
CORS_URLS_REGEX = r"^/(v1alpha1/|batch|\$discovery/)"
CORS_ALLOW_METHODS = ("GET", "POST", "OPTIONS")
CORS_ALLOW_HEADERS = (
    *("accept", "authorization", "content-type", "user-agent", "x-requested-with", "x-goog-api-key"),
    # Google's own library for browsers sends these.
    *("x-clientdetails", "x-goog-api-client", "x-goog-encode-response-if-executable", "x-javascript-user-agent"),
    *("x-origin", "x-referer"),
)
CORS_EXPOSE_HEADERS = ("X-Review-Id", "Retry-After")
if CORS_ORIGINS:
    INSTALLED_APPS.append("corsheaders")
    MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Database.

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}")
}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Without these, concurrent writers fail with "database is locked".
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
        "PRAGMA secure_delete=ON;",  # what is deleted is zeroed, and does not stay in the file's free pages
    }
else:
    _database["OPTIONS"] = {
        "connect_timeout": 2,
        "options": "-c lock_timeout=2000 -c idle_in_transaction_session_timeout=60000",
        **_database.get("OPTIONS", {}),
    }
_database["CONN_MAX_AGE"] = 60
_database["CONN_HEALTH_CHECKS"] = True

# Redis: doorbell of the queue, cache of model bytes, counters of the rate limits. Nothing is lost with it.

VALKEY_URL_FILE = DATA_DIR / "valkey" / "url"  # of the server that `manage.py up` has started on this folder
REDIS_URL = env.str("REDIS_URL", default="") or (
    VALKEY_URL_FILE.read_text() if VALKEY_URL_FILE.exists() else "redis://127.0.0.1:6379/0"
)
REDIS_TIMEOUT_SECONDS = 0.2

# Requests allowed per key (or per address without one), as "N/second", "N/minute", "N/hour"; empty for no limit.

LIMITS = {
    "predict": env.str("LIMIT_PREDICT", default=""),
    "review": env.str("LIMIT_REVIEW", default="6000/minute"),
    "train": env.str("LIMIT_TRAIN", default="600/minute"),
    "admin": env.str("LIMIT_ADMIN", default="600/minute"),
    "wrong_key": env.str("LIMIT_WRONG_KEY", default="30/minute"),
}

# Training.

STARTER_CORPUS = BASE_DIR / "data" / "train.csv"
CHECKS = BASE_DIR / "data" / "checks.csv"
EVERYDAY = BASE_DIR / "data" / "everyday.csv"
_base_model = env.str("BASE_MODEL", default=str(BASE_DIR / "data" / "base" / "model.safetensors"))
BASE_MODEL = None if _base_model == "none" else Path(_base_model)
if BASE_MODEL and not BASE_MODEL.is_file():
    raise ImproperlyConfigured(f"BASE_MODEL {_base_model!r} is not a file; give a model's file, or none")
LEASE_SECONDS = _positive("LEASE_SECONDS", 60)
SWEEP_SECONDS = _positive("SWEEP_SECONDS", 30)
TRAINING_SECONDS = _positive("TRAINING_SECONDS", 1800)
MAX_ATTEMPTS = 3
CATCH_UP_HOURS = 26
KEEP_VERSIONS: int = env.int("KEEP_VERSIONS", default=30)  # 0 keeps all
if KEEP_VERSIONS < 0:
    raise ImproperlyConfigured(f"KEEP_VERSIONS must be 0 or more, not {KEEP_VERSIONS}")
MODEL_POLL_SECONDS = env.float("MODEL_POLL_SECONDS", default=1.0)

# What a candidate may lose before it is rejected (hate_speech_ai/gate.py).

GATE_MAX_DROP = _share("GATE_MAX_DROP", 0.02)
GATE_MAX_SURE_DROP = _share("GATE_MAX_SURE_DROP", 0.005)
GATE_MAX_DROP_ON_REVIEWS = _share("GATE_MAX_DROP_ON_REVIEWS", 0.1)
GATE_MAX_DROP_FROM_ANCHOR = _share("GATE_MAX_DROP_FROM_ANCHOR", 0.01)
GATE_MIN_REVIEWS = _positive("GATE_MIN_REVIEWS", 20)
GATE_MAX_CHECKS_LOST = env.int("GATE_MAX_CHECKS_LOST", default=4)
GATE_MAX_FALSE_POSITIVE_RISE = _share("GATE_MAX_FALSE_POSITIVE_RISE", 0.05)
GATE_MAX_FLIPPED = _share("GATE_MAX_FLIPPED", 0.1)
GATE_MAX_SHARE_RATIO = env.float("GATE_MAX_SHARE_RATIO", default=2.0)
GATE_MAX_EVERYDAY_RISE = _share("GATE_MAX_EVERYDAY_RISE", 0.002)
if not GATE_MAX_SHARE_RATIO >= 1.0:
    raise ImproperlyConfigured(f"GATE_MAX_SHARE_RATIO must be 1 or more, not {GATE_MAX_SHARE_RATIO}")

# Which labels are believed (api/keys/trust.py).

NIGHT_MAX_SHARE = _share("NIGHT_MAX_SHARE", 0.5)
NIGHT_MIN_LABELS = _positive("NIGHT_MIN_LABELS", 500)
TRUST_MAX_CONTRADICTED = _share("TRUST_MAX_CONTRADICTED", 0.2)
TRUST_MIN_AGREEMENT = _share("TRUST_MIN_AGREEMENT", 0.7)

# Stored predictions and the review queue (api/prediction/recorder.py, api/review_queue/selection.py); off unless told.

STORE_PREDICTIONS = _share("STORE_PREDICTIONS", 0.0)
PREDICTIONS_DAYS = _positive("PREDICTIONS_DAYS", 30)
AUDIT_SHARE = _share("AUDIT_SHARE", 0.02)
PLANTED_SHARE = _share("PLANTED_SHARE", 0.05)
if PLANTED_SHARE > 0.5:
    raise ImproperlyConfigured(f"PLANTED_SHARE must be at most 0.5, not {PLANTED_SHARE}")
CLAIM_MINUTES = _positive("CLAIM_MINUTES", 30)

# Celery. The database is the queue of record (api/training/queue.py); a message only says "look there".

CELERY_BROKER_URL = REDIS_URL
CELERY_TIMEZONE = LOCAL_ZONE.key
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # the sweep brings a lost run back, and counts its attempts
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = TRAINING_SECONDS + 60
CELERY_TASK_SOFT_TIME_LIMIT = TRAINING_SECONDS
CELERY_WORKER_CONCURRENCY = 1
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 150_000  # KB: a process that has trained gives its memory back
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 2 * (TRAINING_SECONDS + 60),
    "unacked_restore_throttle": 1,
    "health_check_interval": 25,
    "socket_keepalive": True,
    "socket_connect_timeout": 2,
}
CELERY_BEAT_SCHEDULE = {
    "nightly": {
        "task": "api.tasks.nightly",
        "schedule": crontab(hour=NIGHTLY_AT.hour, minute=NIGHTLY_AT.minute),
    },
    "sweep": {
        "task": "api.tasks.sweep",
        "schedule": float(SWEEP_SECONDS),
        "kwargs": {"scheduled": True},
        # A sweep that waited through a long training has nothing to add to the next one.
        "options": {"expires": float(SWEEP_SECONDS)},
    },
}

# REST framework.

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.http.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["api.http.authentication.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["api.http.throttling.ScopeThrottle"],
    "DEFAULT_PARSER_CLASSES": ["api.http.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["api.http.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.http.negotiation.AlwaysJSON",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.http.problems.handler",
    "UNAUTHENTICATED_USER": None,
    "NUM_PROXIES": TRUSTED_PROXIES,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Hate speech detection",
    "DESCRIPTION": "Classifies tweets as hate speech, learns from reviewed labels, and says how good it is.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "PREPROCESSING_HOOKS": ["api.http.schema.without_trailing_slash"],
    "POSTPROCESSING_HOOKS": ["api.http.schema.add_problems"],
}

# Logs: what happened, never a tweet's text and never a key.


def _is_not_503(record: logging.LogRecord) -> bool:
    return getattr(record, "status_code", 0) != 503


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # A 503 says itself why it is one, and so does the log where the cause was found.
    "filters": {"not_503": {"()": "django.utils.log.CallbackFilter", "callback": _is_not_503}},
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": sys.stderr}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"level": "WARNING"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},  # strangers try names all day
        "django.request": {"level": "ERROR", "filters": ["not_503"]},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
    },
}
