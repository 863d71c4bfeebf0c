"""Settings: everything comes from the environment, and with none set the site runs from ./var.

EARWITNESS_HOME   where the SQLite database, the media and the secret key live   (./var)
DATABASE_URL      another database: postgres://…                                 (SQLite in EARWITNESS_HOME)
DEBUG             1 or 0                                                         (0)
SECRET_KEY        a secret                                                       (made once, kept in EARWITNESS_HOME)
ALLOWED_HOSTS     comma-separated host names                                     (localhost and its addresses)
SEAL_KEY          the private key that signs seals of the record                 (made once, kept in EARWITNESS_HOME)
TASKS_BACKEND     the doorbell that wakes workers                                (django_tasks_db.DatabaseBackend)
UPLOAD_MB         sounds sent with one form, together; and each of them decoded  (200)
UPLOAD_FILES      sounds sent with one form                                      (20)
UPLOAD_SECONDS    the longest sound                                              (300)
CAMPAIGN_MB       sounds of a campaign sent together, unpacked, and decoded      (1000)
CAMPAIGN_FILES    sounds of a campaign sent together                             (2000)
IMPORT_ROOT       folder whose sounds researchers may make campaigns of          (none: no folder)
EMAIL_HOST        a mail server, for invitations to projects                       (none: no mail)
EMAIL_PORT        its port                                                       (587)
EMAIL_USER        who signs in there; EMAIL_PASSWORD with what                   (nobody)
EMAIL_TLS         1 or 0: STARTTLS                                               (1)
EMAIL_FROM        the sender                                                     (earwitness@EMAIL_HOST)
APPROVE_OWN       1: who trained a version may approve it too                    (0)
SHELL_ACCOUNTS    whose accounts names in this server's shell are: root=alice,…  (none: their own)
API_PER_MINUTE    requests that one person's scripts may make in a minute        (1200)
HTTPS             1 behind a TLS proxy: secure cookies, HSTS, redirect           (0)
"""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

# One BLAS thread per process, unless told otherwise: the matrices here are small, and threads that wait for each
# other on a busy machine have made them ten times slower. Read when numpy is first imported, so it stands first.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def env_flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, "1" if default else "0")
    if value not in ("0", "1"):
        raise ImproperlyConfigured(f"{name}: expected 0 or 1, found {value!r}")
    return value == "1"


def env_count(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdecimal() or int(value) == 0:
        raise ImproperlyConfigured(f"{name}: expected a whole number above 0, found {value!r}")
    return int(value)


def env_pairs(name: str) -> dict[str, str]:
    """name=name,name=name"""
    given = [one.partition("=") for one in os.environ.get(name, "").split(",") if one.strip()]
    if not all(before.strip() and after.strip() for before, _, after in given):
        raise ImproperlyConfigured(
            f"{name}: expected pairs such as root=alice,bea=beatrice, found {os.environ[name]!r}"
        )
    return {before.strip(): after.strip() for before, _, after in given}


HOME = Path(os.environ.get("EARWITNESS_HOME", BASE_DIR / "var")).resolve()
HOME.mkdir(parents=True, exist_ok=True)


def secret_key() -> str:
    """The key from the environment, else one made on first use and readable only by its owner."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    path = HOME / "secret_key"
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(50)
        file.write(key)
    return key


DEBUG = env_flag("DEBUG", False)
SECRET_KEY = secret_key()
SEAL_KEY = Path(os.environ.get("SEAL_KEY", HOME / "seal_key.pem")).resolve()
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [url for url in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if url]

INSTALLED_APPS = [
    "listening",
    "metrics",
    "models_registry",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "rest_framework",
    "knox",
    "drf_spectacular",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "listening.languages.ListenersLanguage",
]

ROOT_URLCONF = "listening.urls"
WSGI_APPLICATION = "listening.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "listening.access.in_templates",
                "listening.help.in_templates",
            ],
        },
    },
]

DATABASES: dict[str, Any] = {
    "default": {
        **dj_database_url.config(default=f"sqlite:///{HOME / 'earwitness.sqlite3'}"),
        "CONN_MAX_AGE": 60,
    }
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # WAL with IMMEDIATE transactions: a read that turns into a write waits instead of failing at once.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA mmap_size=134217728; "
            "PRAGMA journal_size_limit=27103364; PRAGMA cache_size=2000;"
        ),
    }
    # A file: threads of the live test server share one in-memory connection and lock each other out.
    DATABASES["default"]["TEST"] = {"NAME": HOME / "test.sqlite3"}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TASKS = {
    "default": {
        "BACKEND": os.environ.get("TASKS_BACKEND", "django_tasks_db.DatabaseBackend"),
        "QUEUES": ["default"],
    }
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_PORT = env_count("EMAIL_PORT", 587)
EMAIL_HOST_USER = os.environ.get("EMAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_PASSWORD", "")
EMAIL_USE_TLS = env_flag("EMAIL_TLS", True)
# somebody waits for the page meanwhile
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM", f"earwitness@{EMAIL_HOST or 'localhost'}")

LANGUAGE_CODE = "en"
# what listeners may be spoken to in, each by its own name
LANGUAGES = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("zh-hans", "简体中文"),
    ("ja", "日本語"),
]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = HOME / "static"
MEDIA_ROOT = HOME / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT.mkdir(exist_ok=True)
# Serve the apps' own static files without a collectstatic step.
WHITENOISE_USE_FINDERS = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["listening.api.permissions.AsMember"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "listening.api.paging.Pages",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": f"{env_count('API_PER_MINUTE', 1200)}/minute"},
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "listening.api.refusals.refused",
}
# a token is shown once, kept as a hash, and ends by itself
REST_KNOX = {"TOKEN_TTL": timedelta(days=365), "TOKEN_LIMIT_PER_USER": None}
SPECTACULAR_SETTINGS = {
    "TITLE": "Earwitness",
    "DESCRIPTION": "Campaigns, ratings, scores, models and jobs of this installation.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}

APPROVE_OWN = env_flag("APPROVE_OWN", False)
# by names in the shell
SHELL_ACCOUNTS = env_pairs("SHELL_ACCOUNTS")

UPLOAD_MB = env_count("UPLOAD_MB", 200)
UPLOAD_FILES = env_count("UPLOAD_FILES", 20)
UPLOAD_SECONDS = env_count("UPLOAD_SECONDS", 300)
CAMPAIGN_MB = env_count("CAMPAIGN_MB", 1000)
CAMPAIGN_FILES = env_count("CAMPAIGN_FILES", 2000)
# Django's own limit, below which these are refused by name
DATA_UPLOAD_MAX_NUMBER_FILES = CAMPAIGN_FILES + UPLOAD_FILES
IMPORT_ROOT = Path(os.environ["IMPORT_ROOT"]).resolve() if "IMPORT_ROOT" in os.environ else None

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

HTTPS = env_flag("HTTPS", False)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
