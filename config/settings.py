"""Every setting, from environment variables or a `.env` file. docs/settings.md lists them all."""

import logging
import os
import re
import secrets
import ssl
import sys
import tempfile
from datetime import time
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from config import kafka_options
from config.data_folder import make_private
from hate_speech_ai.version import VERSION

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.FileAwareEnv()  # NAME_FILE=/run/secrets/name is read where NAME is not set
env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))


_RENAMED = {
    "WORKERS": "WEB_PROCESSES",
    "THREADS": "WEB_THREADS",
    "HTTPS": "BEHIND_HTTPS_PROXY",
    "TIME_ZONE": "SCHEDULE_TIME_ZONE",
    "STORE_PREDICTIONS": "PREDICTION_SAMPLE_RATE",
    "PREDICTIONS_DAYS": "PREDICTION_RETENTION_DAYS",
    "AUDIT_SHARE": "RANDOM_SAMPLE_SHARE",
    "LIMIT_PREDICT": "RATE_LIMIT_PREDICT",
    "LIMIT_REVIEW": "RATE_LIMIT_REVIEW",
    "LIMIT_TRAIN": "RATE_LIMIT_ADMIN",
    "LIMIT_ADMIN": "RATE_LIMIT_ADMIN",
    "LIMIT_WRONG_KEY": "RATE_LIMIT_WRONG_KEY",
    "GATE_MAX_DROP_FROM_ANCHOR": "GATE_MAX_DROP_FROM_BASELINE",
}
for _old, _new in _RENAMED.items():
    if _old in os.environ:
        raise ImproperlyConfigured(f"{_old} is called {_new} now; rename it")


def _integer(name: str, default: int, least: int = 1, most: int | None = None) -> int:
    found = env.str(name, default=str(default)).strip()
    if not re.fullmatch(r"-?\d+", found) or int(found) < least or (most is not None and int(found) > most):
        upper = f" to {most}" if most is not None else " on"
        raise ImproperlyConfigured(f"{name} is {found!r}; use a whole number from {least}{upper}")
    return int(found)


def _number(name: str, default: float, least: float, most: float = float("inf")) -> float:
    found = env.str(name, default=str(default)).strip()
    try:
        value = float(found)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        upper = f" to {most:g}" if most != float("inf") else " on"
        raise ImproperlyConfigured(f"{name} is {found!r}; use a number from {least:g}{upper}")
    return value


def _flag(name: str, default: bool) -> bool:
    found = env.str(name, default=str(default)).strip().lower()
    if found not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
        raise ImproperlyConfigured(f"{name} is {found!r}; use true or false")
    return found in ("true", "1", "yes", "on")


def _list(name: str, default: list[str], pattern: str, example: str) -> list[str]:
    found = [part.strip() for part in env.str(name, default=",".join(default)).split(",") if part.strip()]
    for part in found:
        if not re.fullmatch(pattern, part):
            raise ImproperlyConfigured(f"{name} has {part!r}, which cannot work; write it as {example}")
    return found


# Where state lives, and who may read it.

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
make_private(DATA_DIR)


def _refuse_weak(key: str) -> None:
    """Raise ImproperlyConfigured for a key that can be guessed, or that is the line that makes one."""
    if len(key) < 32 or len(set(key)) < 8 or "token_urlsafe" in key or key.startswith("django-insecure-"):
        raise ImproperlyConfigured(
            "SECRET_KEY can be guessed; use 32 random characters or more, such as those of python3 -c "
            "'import secrets; print(secrets.token_urlsafe(50))', and put the old key into SECRET_KEY_FALLBACKS"
        )


def _secret_key() -> str:
    """Return the key from the environment, else the one that the first start left in the data folder."""
    key: str = env.str("SECRET_KEY", default="").strip()
    if key:
        _refuse_weak(key)
        return key
    return _made_once(DATA_DIR / "secret_key")


def _made_once(path: Path) -> str:
    """Return the secret in a file; the first process to ask makes it, whole before anybody can read it."""
    if not path.exists():
        descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # readable by nobody else
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(partial, path)
        except FileExistsError:
            pass  # another process was faster
        except OSError:  # a file system without links
            Path(partial).replace(path)
        Path(partial).unlink(missing_ok=True)
    return path.read_text().strip()


def _forget_key() -> str:
    """Return the key from the environment, else the one that the first start left in the data folder."""
    key: str = env.str("FORGET_KEY", default="").strip()
    if key and (len(key) < 32 or len(set(key)) < 8):
        raise ImproperlyConfigured("FORGET_KEY can be guessed; use 32 random characters or more, as for SECRET_KEY")
    return key or _made_once(DATA_DIR / "forget_key")


SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = _list("SECRET_KEY_FALLBACKS", [], r".+", "old secrets, separated by commas")
# Of the fingerprints of what was forgotten (api/lib/suppression.py): apart from SECRET_KEY, which may be replaced.
FORGET_KEY = _forget_key()
FORGET_KEY_FALLBACKS = _list("FORGET_KEY_FALLBACKS", [], r".+", "old keys, separated by commas")
FORGOTTEN_FILE = DATA_DIR / "forgotten.jsonl"
DEBUG = _flag("DEBUG", False)
ALLOWED_HOSTS = _list(
    "ALLOWED_HOSTS",
    ["localhost", "127.0.0.1", "[::1]"],
    r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]",
    "hate.example.org, without a port",
)
ADMIN_ENABLED = _flag("ADMIN_ENABLED", False)
PUBLIC_PREDICT = _flag("PUBLIC_PREDICT", True)
DROP_UNSUPPORTED_ATTRIBUTES = _flag("DROP_UNSUPPORTED_ATTRIBUTES", True)  # of the Perspective API
TRUSTED_PROXIES = _integer("TRUSTED_PROXIES", 0, least=0, most=10)
PUBLIC_URL = env.str("PUBLIC_URL", default="")
if PUBLIC_URL and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", PUBLIC_URL):
    raise ImproperlyConfigured(f"PUBLIC_URL {PUBLIC_URL!r} is not a URL; write it as https://hate.example.org")
_public_path = urlsplit(PUBLIC_URL).path.rstrip("/")  # which the proxy takes off
FORCE_SCRIPT_NAME = _public_path or None

# Web server. `python manage.py start web` reads these.

HOST = env.str("HOST", default="127.0.0.1").strip()
try:
    ip_address(HOST)
except ValueError:
    raise ImproperlyConfigured(f"HOST is {HOST!r}; use an address such as 127.0.0.1, or 0.0.0.0 for all") from None
if DEBUG and not ip_address(HOST).is_loopback:
    raise ImproperlyConfigured(f"DEBUG shows passwords to whoever reaches {HOST}; use it on 127.0.0.1 only")
PORT = _integer("PORT", 8000, most=65_535)
WEB_PROCESSES = _integer("WEB_PROCESSES", min(2, os.cpu_count() or 1), most=256)
WEB_THREADS = _integer("WEB_THREADS", 4, most=256)
# Where this machine itself reaches the service.
_reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(HOST, f"[{HOST}]" if ":" in HOST else HOST)  # noqa: S104
LOCAL_URL = f"http://{_reachable}:{PORT}"

# Time.

USE_TZ = True
TIME_ZONE = "UTC"  # of answers and logs
_local_zone = env.str("SCHEDULE_TIME_ZONE", default="Europe/Warsaw")
try:
    LOCAL_ZONE = ZoneInfo(_local_zone)  # in which the night is reckoned
except (ZoneInfoNotFoundError, ValueError):
    raise ImproperlyConfigured(
        f"SCHEDULE_TIME_ZONE is {_local_zone!r}; use the name of a time zone, such as Europe/Warsaw"
    ) from None
_nightly_at = env.str("NIGHTLY_AT", default="01:00").strip()
if not re.fullmatch(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", _nightly_at):
    raise ImproperlyConfigured(f"NIGHTLY_AT is {_nightly_at!r}; use HH:MM, in SCHEDULE_TIME_ZONE")
NIGHTLY_AT = time.fromisoformat(_nightly_at.rjust(5, "0"))

# Django.

ROOT_URLCONF = "config.urls"
APPEND_SLASH = False  # paths answer with and without one
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "api",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "api.pages.compression.middleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "api.operations.hosts.HostMiddleware",  # refuses other hosts than ALLOWED_HOSTS; sends Content-Length
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "api.http.content_security.middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
if ADMIN_ENABLED:
    INSTALLED_APPS = ["django.contrib.admin", *INSTALLED_APPS]
LOGIN_URL = "pages-sign-in"
SESSION_COOKIE_AGE = 14 * 3600  # a working day, and no night
CSRF_FAILURE_VIEW = "api.error_pages.form_expired"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [  # of the accounts
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "api" / "pages" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["api.pages.tags"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
STATIC_URL = f"{_public_path}/static/"
STATICFILES_DIRS = [BASE_DIR / "api" / "pages" / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"/static/pages/"  # their URLs name their content: api/pages/assets.py
WHITENOISE_AUTOREFRESH = False

# HTTPS is ended by a proxy in front. API paths answer plain HTTP too: redirecting a POST would drop its body, and its
# key would already have crossed the wire.
BEHIND_HTTPS_PROXY = _flag("BEHIND_HTTPS_PROXY", False)
SECURE_SSL_REDIRECT = BEHIND_HTTPS_PROXY
SECURE_REDIRECT_EXEMPT = [rf"^(?!{re.escape(_public_path.lstrip('/'))}/?(admin/|sign-in))"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_HTTPS_PROXY or TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_HTTPS_PROXY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BEHIND_HTTPS_PROXY
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_HTTPS_PROXY
X_FRAME_OPTIONS = "DENY"

# Scripts of other sites' pages may ask what Perspective's clients ask, and nothing else.
CORS_ORIGINS = _list("CORS_ORIGINS", [], r"\*|https?://[^/\s]+", "https://example.org")
CORS_ALLOW_ALL_ORIGINS = "*" in CORS_ORIGINS
CORS_ALLOWED_ORIGINS = [origin for origin in CORS_ORIGINS if origin != "*"]
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

_database_url = env.str("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}")
if not re.match(r"(sqlite|postgres|postgresql|psql)://\S", _database_url):
    raise ImproperlyConfigured("DATABASE_URL is no address of a database; use postgres://user:password@host:5432/name")
DATABASES: dict[str, dict[str, Any]] = {"default": environ.Env.db_url_config(_database_url)}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Without these, concurrent writers fail with "database is locked".
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,  # of the worker and commands; web processes wait shorter (api/lib/database.py)
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
REDIS_CA_FILE = env.str("REDIS_CA_FILE", default="")
if "ssl_" in urlsplit(REDIS_URL).query:
    raise ImproperlyConfigured("REDIS_URL has parameters of TLS, which would not hold for all parts; set REDIS_CA_FILE")
# With rediss:// the server proves who it is, to every part alike: Celery by itself would believe any.
REDIS_TLS: dict[str, Any] = {}
if REDIS_URL.startswith("rediss://"):
    REDIS_TLS = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
if REDIS_CA_FILE:
    try:
        ssl.create_default_context(cafile=REDIS_CA_FILE)
    except OSError as error:
        raise ImproperlyConfigured(f"REDIS_CA_FILE {REDIS_CA_FILE!r} has no certificates: {error}") from None
    if not REDIS_TLS:
        raise ImproperlyConfigured("REDIS_CA_FILE is for a REDIS_URL with rediss://")
    REDIS_TLS["ssl_ca_certs"] = REDIS_CA_FILE

# Requests allowed per key (or per address without one), as "N/second", "N/minute", "N/hour"; empty for no limit.

LIMITS = {
    "predict": env.str("RATE_LIMIT_PREDICT", default=""),
    "review": env.str("RATE_LIMIT_REVIEW", default="6000/minute"),
    "train": env.str("RATE_LIMIT_ADMIN", default="600/minute"),
    "admin": env.str("RATE_LIMIT_ADMIN", default="600/minute"),
    "wrong_key": env.str("RATE_LIMIT_WRONG_KEY", default="30/minute"),
}

# Training.

STARTER_CORPUS = BASE_DIR / "data" / "train.csv"
CHECKS = BASE_DIR / "data" / "checks.csv"
EVERYDAY = BASE_DIR / "data" / "everyday.csv"
ENCODER = BASE_DIR / "data" / "encoder"
MODEL = env.str("MODEL", default="words")
if MODEL not in ("words", "full"):
    raise ImproperlyConfigured(f"MODEL is {MODEL!r}; give words or full")
if MODEL == "full" and (_missing := [name for name in ("onnxruntime", "tokenizers") if find_spec(name) is None]):
    raise ImproperlyConfigured(
        f"MODEL=full needs {' and '.join(_missing)}; install them with: pip install -r requirements-full.txt"
    )
_base_file = "full.safetensors" if MODEL == "full" else "model.safetensors"
_base_model = env.str("BASE_MODEL", default="") or str(BASE_DIR / "data" / "base" / _base_file)
BASE_MODEL = None if _base_model == "none" else BASE_DIR / _base_model
if BASE_MODEL and not BASE_MODEL.is_file():
    _build = "; python -m hate_speech_ai base corpora --full builds it" if MODEL == "full" else ""
    raise ImproperlyConfigured(f"BASE_MODEL {_base_model!r} is not a file; give a model's file, or none{_build}")
LEASE_SECONDS = _integer("LEASE_SECONDS", 60)
SWEEP_SECONDS = _integer("SWEEP_SECONDS", 30)
TRAINING_SECONDS = _integer("TRAINING_SECONDS", 1800)
MAX_ATTEMPTS = 3
CATCH_UP_HOURS = 26
KEEP_VERSIONS = _integer("KEEP_VERSIONS", 30, least=0)  # 0 keeps all
MODEL_POLL_SECONDS = _number("MODEL_POLL_SECONDS", 1.0, 0.05)

# What a candidate may lose before it is rejected (hate_speech_ai/evaluation/gate.py).

GATE_MAX_DROP = _number("GATE_MAX_DROP", 0.02, 0, 1)
GATE_MAX_DROP_ON_REVIEWS = _number("GATE_MAX_DROP_ON_REVIEWS", 0.1, 0, 1)
GATE_MAX_DROP_FROM_BASELINE = _number("GATE_MAX_DROP_FROM_BASELINE", 0.01, 0, 1)
# These have no variables: docs/decisions/0010-gate.md has the measurements that chose them.
GATE_MAX_SURE_DROP = 0.005
GATE_MIN_REVIEWS = 20
GATE_MAX_CHECKS_LOST = 4
GATE_MAX_FALSE_POSITIVE_RISE = 0.05
GATE_MAX_CHANGED = 0.1
GATE_MAX_EVERYDAY_RISE = 0.002
GATE_MAX_SHARE_RATIO = 2.0

# Which labels are believed (api/keys/trust.py); docs/decisions/0011-trust.md has the measurements.

RUN_MAX_KEY_SHARE = 0.5
RUN_MIN_KEY_LABELS = 500
TRUST_MAX_CONTRADICTED = 0.2
TRUST_MIN_AGREEMENT = 0.7
# How much a key may send that nobody trusts yet (api/reviews/refusals.py); 0 for no limit.
UNTRUSTED_MAX_REVIEWS = _integer("UNTRUSTED_MAX_REVIEWS", 10_000, least=0)
UNTRUSTED_MAX_REVIEWS_PER_TEXT = _integer("UNTRUSTED_MAX_REVIEWS_PER_TEXT", 50, least=0)

# Stored predictions and the review queue (api/prediction/recorder.py, api/review_queue/); off by default.

PREDICTION_SAMPLE_RATE = _number("PREDICTION_SAMPLE_RATE", 0.0, 0, 1)
PREDICTION_RETENTION_DAYS = _integer("PREDICTION_RETENTION_DAYS", 30)
PREDICTION_MAX_STORED = _integer("PREDICTION_MAX_STORED", 200_000, least=0)  # 0 for no limit
RANDOM_SAMPLE_SHARE = _number("RANDOM_SAMPLE_SHARE", 0.02, 0, 1)
CONTROL_SHARE = 0.05  # of the queue's tweets: a corpus's, with a known answer
CLAIM_MINUTES = 30
MAX_CLAIMS_PER_PERSON = 50  # open ones: what was answered or given back is none
MAX_CLAIMS_PER_KEY = 500

# The stream (api/stream/); off by default.

STREAM = env.str("STREAM", default="").strip().lower()
if STREAM not in ("", "valkey", "kafka"):
    raise ImproperlyConfigured(f"STREAM is {STREAM!r}; use valkey or kafka, or leave it empty")
if STREAM == "kafka" and find_spec("confluent_kafka") is None:
    raise ImproperlyConfigured(
        "STREAM=kafka needs confluent-kafka; install it with: pip install -r requirements-kafka.txt"
    )
STREAM_MAX_MEGABYTES = _integer("STREAM_MAX_MEGABYTES", 128)
STREAM_RETENTION_DAYS = _integer("STREAM_RETENTION_DAYS", 30)
STREAM_LABELS = _list("STREAM_LABELS", ["hate_speech"], r"[a-z][a-z0-9_]{0,39}", "hate_speech,toxic")
KAFKA_BOOTSTRAP_SERVERS = ",".join(
    _list("KAFKA_BOOTSTRAP_SERVERS", [], r"[A-Za-z0-9._\[\]:-]+:\d{1,5}", "kafka-1:9092,kafka-2:9092")
)
if STREAM == "kafka" and not KAFKA_BOOTSTRAP_SERVERS:
    raise ImproperlyConfigured("STREAM=kafka needs KAFKA_BOOTSTRAP_SERVERS, such as kafka-1:9092,kafka-2:9092")
KAFKA_TOPIC = env.str("KAFKA_TOPIC", default="tweets").strip()
KAFKA_GROUP = env.str("KAFKA_GROUP", default="hate-speech-detection").strip()
for _name in ("KAFKA_TOPIC", "KAFKA_GROUP"):
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", globals()[_name]):
        raise ImproperlyConfigured(f"{_name} is {globals()[_name]!r}; use 1 to 64 letters, digits and . _ -")
_kafka_file = env.str("KAFKA_PROPERTIES_FILE", default="").strip()
KAFKA_OPTIONS = kafka_options.read(Path(_kafka_file)) if STREAM == "kafka" and _kafka_file else {}

# Celery. The database is the queue of record (api/training/queue.py); a message only says "look there".

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_USE_SSL = REDIS_TLS or None
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

if STREAM:
    CELERY_BEAT_SCHEDULE |= {
        "fit_series": {
            "task": "api.tasks.fit_series",
            "schedule": crontab(hour=(NIGHTLY_AT.hour + 2) % 24, minute=NIGHTLY_AT.minute),
        },
        "look_for_anomalies": {
            "task": "api.tasks.look_for_anomalies",
            "schedule": crontab(minute=5),
            "options": {"expires": 3600.0},  # the next one looks at the same hours
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
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Hate speech detection",
    "DESCRIPTION": "Classifies tweets as hate speech, learns from reviewed labels, and says how good it is.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "PREPROCESSING_HOOKS": ["api.http.schema.without_trailing_slash"],
    "POSTPROCESSING_HOOKS": ["api.http.schema.add_problems"],
}

# Metrics for Prometheus (api/lib/metrics.py, api/operations/metrics.py); off by default.

METRICS = _flag("METRICS", False)

# Logs: what happened, never a tweet's text and never a key.

_log_level = env.str("LOG_LEVEL", default="INFO").strip().upper()
if _log_level not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
    raise ImproperlyConfigured(f"LOG_LEVEL is {_log_level!r}; use DEBUG, INFO, WARNING, ERROR or CRITICAL")


def _is_not_503(record: logging.LogRecord) -> bool:
    return getattr(record, "status_code", 0) != 503


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # A 503 says itself why it is one, and so does the log where the cause was found.
    "filters": {
        "not_503": {"()": "django.utils.log.CallbackFilter", "callback": _is_not_503},
        "repeats": {"()": "api.lib.log_repeats.RepeatsFilter"},
    },
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": sys.stderr, "filters": ["repeats"]}
    },
    "root": {"handlers": ["stderr"], "level": _log_level},
    "loggers": {
        "django": {"level": "WARNING"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},  # strangers try names all day
        "django.request": {"level": "ERROR", "filters": ["not_503"]},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
    },
}
