"""The settings: what `startproject` writes and this project uses, and its own below.

What differs from one machine to the next comes from the environment, or from a file
`.env` beside manage.py; `.env.example` lists it. In production two variables have no
default: SECRET_KEY, and SITE_ORIGINS, the addresses of the site.
"""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from .checked import origins, positive, required, url

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

# DEBUG=1 is for your own machine, and nowhere else.
DEBUG = env.bool("DEBUG", False)
PORT = positive(env, "PORT", 8000)

SECRET_KEY = required(
    env, "SECRET_KEY", "at least 50 random characters", DEBUG and "insecure " * 6
)
SITE_ORIGINS = origins(
    required(
        env,
        "SITE_ORIGINS",
        "https://search.example.org",
        DEBUG and f"http://127.0.0.1:{PORT} http://localhost:{PORT}",
    )
    # Where a proxy brings the browser's requests, such as in GitHub Codespaces.
    + " "
    + env.str("CSRF_TRUSTED_ORIGINS", "")
)
CSRF_TRUSTED_ORIGINS = SITE_ORIGINS
CSRF_FAILURE_VIEW = "search.views.csrf_failure"
ALLOWED_HOSTS = [urlsplit(origin).hostname for origin in SITE_ORIGINS]
# The names by which a load balancer asks for /readyz.
ALLOWED_HOSTS += env.str("ALLOWED_HOSTS", "").split()

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "search",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "search.middleware.DatabaseAwayMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASE_URL = env.str("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
DATABASES = {
    "default": env.db_url_config(
        url(DATABASE_URL, "DATABASE_URL", "postgres", "postgresql", "sqlite")
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # The web process and the worker write at the same time.
    database_options = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "transaction_mode": "IMMEDIATE",
    }
else:
    # A network that swallows everything holds nobody up for minutes: seconds, and
    # milliseconds.
    database_options = {"connect_timeout": 5, "tcp_user_timeout": 10_000}
# Behind the "?" of DATABASE_URL there may be others.
DATABASES["default"]["OPTIONS"] = {
    **database_options,
    **DATABASES["default"].get("OPTIONS", {}),
}
# A thread keeps its connection, and looks at the next request whether it still holds.
DATABASES["default"] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TIME_ZONE = "UTC"

STATIC_URL = "static/"
# Where collectstatic puts them. While debugging they are taken from where they are.
STATIC_ROOT = None if DEBUG else BASE_DIR / "static_root"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

REDIS_URL = env.str("REDIS_URL", "redis://127.0.0.1:6379/0")
url(REDIS_URL, "REDIS_URL", "redis", "rediss", "unix")
# Seconds. A Redis that hangs holds up a visitor for a moment, not for ever.
REDIS_PATIENCE = {"socket_timeout": 2, "socket_connect_timeout": 2}

CELERY_BROKER_URL = REDIS_URL
# What a worker runs besides its tasks.
CELERY_IMPORTS = ["search.rounds"]
# No copy of each message for the case that its worker dies: the search is in the
# database, and other workers find it there.
CELERY_BROKER_TRANSPORT_OPTIONS = {**REDIS_PATIENCE, "ack_emulation": False}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 0}
# One for each thread of a web process; see asgi.py. When Redis hangs, none waits for
# another one's turn.
CELERY_BROKER_POOL_LIMIT = 32
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A Redis that turns a command down, as it does while another one takes its place, ends
# the worker otherwise.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
# A worker takes no message for which it has no thread: another one could.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1

_connection = {
    "address": REDIS_URL,
    **REDIS_PATIENCE,
    # One that broke while nobody used it is made anew by whoever is the next.
    "retry": Retry(NoBackoff(), retries=1),
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "config.layer.RestoringChannelLayer",
        # The layer sends one message after the other on each connection: it gets four.
        "CONFIG": {"hosts": [_connection] * 4},
    },
}

OPENAI_MODEL = env.str("OPENAI_MODEL", "gpt-5-mini")
# The longest silence of the API, before its answer and in it.
OPENAI_TIMEOUT_SECONDS = positive(env, "OPENAI_TIMEOUT_SECONDS", 20.0)

SEARCHES_PER_MINUTE = positive(env, "SEARCHES_PER_MINUTE", 20)
# A worker without a sign of life for so long has lost its searches to the others.
SEARCH_LEASE_SECONDS = positive(env, "SEARCH_LEASE_SECONDS", 15.0)
# How long a worker that is told to stop goes on with what it has begun.
SEARCH_GRACE_SECONDS = positive(env, "SEARCH_GRACE_SECONDS", 25.0)
# How often an open socket is asked whether its session still holds.
SOCKET_CHECK_SECONDS = positive(env, "SOCKET_CHECK_SECONDS", 60.0)

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "openai_index"

# Whatever gets into a page: it runs no script but ours, and talks to nobody else.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"

# One switch for all that needs TLS. Who ends it, the proxy, says so in
# X-Forwarded-Proto; uvicorn believes the addresses in FORWARDED_ALLOW_IPS.
HTTPS_ONLY = env.bool("HTTPS_ONLY", not DEBUG)
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_ONLY
SECURE_HSTS_PRELOAD = HTTPS_ONLY

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "story": {
            "class": "config.logs.PrintableFormatter",
            "format": "{asctime} {message}",
            "style": "{",
        }
    },
    "handlers": {"story": {"class": "logging.StreamHandler", "formatter": "story"}},
    "loggers": {
        # Django's own handler falls silent where DEBUG is off.
        "django": {"handlers": ["story"], "level": "INFO", "propagate": False},
        # Has a page to say of each push that fails. The worker says it in a line.
        "django.dispatch": {"level": "CRITICAL"},
        "search": {"handlers": ["story"], "level": "INFO", "propagate": False},
    },
}
