"""Settings from `startproject` that this project needs, and the project's own.

Settings that differ between machines come from the environment, or from a file `.env`
beside manage.py. `.env.example` lists them. In production, two variables have no
default: SECRET_KEY, and SITE_ORIGINS, the addresses of the site.
"""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF

from .database import read_database
from .environment import boolean, origins, positive, required, text
from .logs import LOGGING  # noqa: F401
from .redis_address import read_address

BASE_DIR = Path(__file__).resolve().parent.parent

environ.Env.read_env(BASE_DIR / ".env")

# DEBUG=1 is only for your own machine.
DEBUG = boolean("DEBUG", False)
PORT = positive("PORT", 8000)

SECRET_KEY = required(
    "SECRET_KEY", "at least 50 random characters", DEBUG and "insecure " * 6
)
# Signatures made with these keys are also valid, so that no user is signed out.
SECRET_KEY_FALLBACKS = text("SECRET_KEY_FALLBACKS").split()
SITE_ORIGINS = origins(
    "SITE_ORIGINS",
    required(
        "SITE_ORIGINS",
        "https://search.example.org",
        DEBUG and f"http://127.0.0.1:{PORT} http://localhost:{PORT}",
    ),
)
# Extra origins that a development proxy uses, such as that of GitHub Codespaces.
SITE_ORIGINS += origins("CSRF_TRUSTED_ORIGINS", text("CSRF_TRUSTED_ORIGINS"))
CSRF_TRUSTED_ORIGINS = SITE_ORIGINS
CSRF_FAILURE_VIEW = "search.errors.csrf_failure"
ALLOWED_HOSTS = [urlsplit(origin).hostname for origin in SITE_ORIGINS]
# Host names that a load balancer uses for /readyz.
ALLOWED_HOSTS += text("ALLOWED_HOSTS").split()

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "search",
]

# Django's admin at /admin/, for accounts that `manage.py createsuperuser` creates.
ADMIN = boolean("ADMIN", False)
if ADMIN:
    INSTALLED_APPS += ["django.contrib.admin"]

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
    "search.errors.DatabaseAwayMiddleware",
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

# The limit per process. A web process has this number of request threads, and of Redis
# connections, too. SQLite has one writer at a time: more threads would delay workers.
DATABASE_CONNECTIONS = CELERY_BROKER_POOL_LIMIT = positive(
    "DATABASE_CONNECTIONS", 20 if text("DATABASE_URL").startswith("postgres") else 4
)
DATABASES = {"default": read_database(BASE_DIR / "db.sqlite3", DATABASE_CONNECTIONS)}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TIME_ZONE = "UTC"

STATIC_URL = "static/"
# For collectstatic. With DEBUG, files are served from the folders of the apps.
STATIC_ROOT = None if DEBUG else text("STATIC_ROOT", BASE_DIR / "static_root")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.storage.ModuleStorage"
    },
}

REDIS_URL = text("REDIS_URL", "redis://127.0.0.1:6379/0")
REDIS = read_address(REDIS_URL, text("REDIS_PASSWORD"))

# The prefix for the names of this site's queue and groups: all sites on one Redis share
# its channels, even if they use different database numbers.
SITE_NAME = text("SITE_NAME") or (
    f"{BASE_DIR}" if DEBUG else urlsplit(SITE_ORIGINS[0]).netloc
)
CELERY_TASK_DEFAULT_QUEUE = f"{SITE_NAME}.celery"

# How often each web process checks that it still receives messages from Redis.
REDIS_HEARTBEAT_SECONDS = positive("REDIS_HEARTBEAT_SECONDS", 5.0)

CELERY_BROKER_URL = REDIS.broker_url
# Do not keep unacknowledged messages in Redis: other workers find the searches of a
# dead worker in the database.
CELERY_BROKER_TRANSPORT_OPTIONS = {**REDIS.transport_options, "ack_emulation": False}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 0}

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "config.layer.RestoringChannelLayer",
        "CONFIG": {"hosts": [REDIS.layer_host], "prefix": SITE_NAME},
    },
}

OPENAI_MODEL = text("OPENAI_MODEL", "gpt-5-mini")
OPENAI_CONNECT_SECONDS = positive("OPENAI_CONNECT_SECONDS", 5.0)
# The limit for the first word: the model may think for a long time. No retry.
OPENAI_FIRST_WORD_SECONDS = positive("OPENAI_FIRST_WORD_SECONDS", 60.0)
# The limit between two words: a longer pause means that the connection is dead.
OPENAI_TIMEOUT_SECONDS = positive("OPENAI_TIMEOUT_SECONDS", 20.0)
# The limit for all attempts to get one answer, including the pauses between them.
OPENAI_ANSWER_SECONDS = positive("OPENAI_ANSWER_SECONDS", 120.0)

SEARCHES_PER_MINUTE = positive("SEARCHES_PER_MINUTE", 20)
# How many searches a worker process handles at once. Further searches have to wait.
SEARCHES_PER_WORKER = positive("SEARCHES_PER_WORKER", 1000)
# Other workers take over a search if its lease is not renewed within this time.
SEARCH_LEASE_SECONDS = positive("SEARCH_LEASE_SECONDS", 15.0)
# How long a worker that is being stopped may continue its current searches.
SEARCH_GRACE_SECONDS = positive("SEARCH_GRACE_SECONDS", 25.0)
# How often each open socket checks that its session is still valid.
SOCKET_CHECK_SECONDS = positive("SOCKET_CHECK_SECONDS", 60.0)

# Prometheus sends it as a bearer token. If it is empty, /metrics responds with 404.
METRICS_TOKEN = text("METRICS_TOKEN")
# The address at which a worker serves its metrics, such as 127.0.0.1:9808.
WORKER_METRICS = text("WORKER_METRICS")

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# The mail server for links to reset a password. Without it, the site offers no reset.
EMAIL_HOST = text("EMAIL_HOST")
EMAIL_PORT = positive("EMAIL_PORT", 587)
EMAIL_HOST_USER = text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = boolean("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = text("DEFAULT_FROM_EMAIL", "webmaster@localhost")
SENDS_MAIL = DEBUG or bool(EMAIL_HOST)
if DEBUG and not EMAIL_HOST:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

SESSION_ENGINE = "search.sessions"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "openai_index"

# Injected markup can run only our scripts, and can contact only this site.
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

# One switch for all settings that need TLS. The proxy reports TLS in X-Forwarded-Proto.
# uvicorn trusts the addresses in FORWARDED_ALLOW_IPS.
HTTPS_ONLY = boolean("HTTPS_ONLY", not DEBUG)
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
# These two cannot be undone: once they are set, every host of the domain must use TLS.
SECURE_HSTS_INCLUDE_SUBDOMAINS = boolean("HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = boolean("HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
