"""Settings: one file, from the environment only.

Every variable is described in README. Without SECRET_KEY nothing starts, unless DEBUG is on; the embedded stack
(`make run`) generates one and keeps it in DATA_DIR.
"""

import hashlib
import hmac
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from whitenoise.compress import Compressor

from config import environment as env
from config import logs
from config.accounts_settings import accounts
from config.databases import databases

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR") or BASE_DIR / ".data").expanduser().resolve()

# "web": users are waiting, so database time limits are short; everything else (worker, commands) has none.
ROLE = env.text("TABLEKEEP_ROLE", "worker")

# Security ------------------------------------------------------------------------------------------------------------

DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Set it to a long random text, or set DEBUG=1 on a machine that nobody else can "
            "reach. (`make run` generates one and keeps it in DATA_DIR.)"
        )
    SECRET_KEY = "not secret: DEBUG is on"  # noqa: S105
# A separate key, so that a leaked token-signing key does not open sessions; derived, so there is only one to set.
JWT_SIGNING_KEY = (
    env.text("JWT_SIGNING_KEY") or hmac.digest(SECRET_KEY.encode(), b"tablekeep.jwt", hashlib.sha256).hex()
)

# Loopback names are always allowed: the health checks of supervisor and container use them.
ALLOWED_HOSTS = [*env.texts("ALLOWED_HOSTS"), "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
# An installation reached by https says so in CSRF_TRUSTED_ORIGINS. Secure cookies would lock out users of `make run`,
# which is plain http on loopback.
HTTPS = not DEBUG and any(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "config.errors.form_too_old"
SESSION_COOKIE_HTTPONLY = True
SESSION_ENGINE = "webui.sessions"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Of `check --deploy`: the proxy redirects to https; subdomains and preload lists are for who owns the domain to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]

# Against stored XSS: no inline script, no inline style, nothing from other hosts.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Tabler's icons are data: URLs in its CSS
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

LOGIN_URL = "login"
# Single sign-on by OpenID Connect.
OIDC_ISSUER = env.web_address("OIDC_ISSUER", "") if env.text("OIDC_ISSUER") else ""
OIDC_NAME = env.text("OIDC_NAME") or "Single sign-on"
OIDC_CREATE_USERS = env.flag("OIDC_CREATE_USERS")
vars().update(accounts(https=HTTPS, issuer=OIDC_ISSUER, provider_name=OIDC_NAME))

# Application ---------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "config",
    "dataengine",
    "webui",
    "django.contrib.admin.apps.SimpleAdminConfig",  # its pages are found with the URLs: workers have none
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    *(["allauth.socialaccount.providers.openid_connect"] if env.text("OIDC_ISSUER") else []),
    "channels",
    "csp",
    "django_filters",
    "django_htmx",
    "django_tables2",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
]

MIDDLEWARE = [
    "config.origin.OriginMiddleware",
    "config.requests.RequestMiddleware",
    "config.private_answers.PrivateAnswersMiddleware",
    "config.compression.PageCompressionMiddleware",
    "config.connections.ConnectionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "webui.static_files.StaticFilesMiddleware",
    "csp.middleware.CSPMiddleware",
    "webui.sessions.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.body_limits.TooLargeMiddleware",
]

# Processes that serve requests.
WEB_CONCURRENCY = env.number("WEB_CONCURRENCY", 1)
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

FORM_RENDERER = "webui.form_renderer.Renderer"

LANGUAGE_CODE = "en-us"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# PostgreSQL ----------------------------------------------------------------------------------------------------------

# Milliseconds. statement_timeout kills COPY too, and only after all data was sent, so an import runs without one.
# A request that waits for a lock should fail with "busy" rather than make every later reader queue behind it.
STATEMENT_TIMEOUT_MS = 5_000 if ROLE == "web" else 0
# The most connections that a web process keeps open; 0: a new connection for each request. Workers have no pool:
# a child keeps one connection for its task, and its threads a few more meanwhile, so nothing would be shared.
DATABASE_POOL_SIZE = env.number("DATABASE_POOL_SIZE", 10, minimum=0)
DATABASES = databases(ROLE, pool_size=DATABASE_POOL_SIZE, statement_timeout_ms=STATEMENT_TIMEOUT_MS)

# Redis ---------------------------------------------------------------------------------------------------------------

# Broker, channel layer, cache: nothing in it has to survive.

REDIS_URL = env.redis("REDIS_URL", "redis://127.0.0.1:6379/0")
# Seconds. A frozen Redis must not freeze a request for longer than this.
_REDIS_CONNECT_TIMEOUT = 2
_REDIS_TIMEOUT = 5

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "tablekeep",
        "OPTIONS": {"socket_connect_timeout": _REDIS_CONNECT_TIMEOUT, "socket_timeout": _REDIS_CONNECT_TIMEOUT},
    }
}

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            # channels_redis blocks 5 s for a message, so the socket's limit must be above that.
            "hosts": [
                {"address": REDIS_URL, "socket_connect_timeout": _REDIS_CONNECT_TIMEOUT, "socket_timeout": 8},
            ],
            "prefix": "tablekeep",
        },
    }
}

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Above the longest import: a task that takes longer is delivered a second time while it is still running.
    "visibility_timeout": 24 * 3600,
    "socket_timeout": _REDIS_TIMEOUT,
    "socket_connect_timeout": _REDIS_CONNECT_TIMEOUT,
    "socket_keepalive": True,
}
# The job's row is written before its task is sent, and the sweeper finds it: give up soon instead of delaying a
# request.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = env.number("WORKER_CONCURRENCY", 2)
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE
_HOURLY = (
    "dataengine.tasks.sweep_storage",
    "dataengine.tasks.sweep_indexes",
    "dataengine.tasks.sweep_trash",
    "dataengine.tasks.sweep_audit",
    "dataengine.tasks.sweep_accounts",
    "dataengine.tasks.sweep_kept_answers",
    "webui.tasks.forget_uploads",
)
# `expires`: while Redis is away or the workers are busy, sweeps must not pile up.
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "dataengine.tasks.sweep", "schedule": 5.0, "options": {"expires": 5.0}},
    **{task: {"task": task, "schedule": 3600.0, "options": {"expires": 3600.0}} for task in _HOURLY},
}

# How many imports of one user run at the same time; 0: any number.
MAX_IMPORTS_PER_USER = env.number("MAX_IMPORTS_PER_USER", 2, minimum=0)
# Exports of one user that a web process sends at the same time, and bytes that a user may store; 0: any number.
MAX_EXPORTS_PER_USER = env.number("MAX_EXPORTS_PER_USER", 4, minimum=0)
STORAGE_QUOTA = env.number("STORAGE_QUOTA", 0, minimum=0)
# How long deleted tables and columns can be restored.
TRASH_DAYS = env.number("TRASH_DAYS", 30)
# How long changes and imports can be undone. How long the audit trail is kept; 0: for ever.
UNDO_DAYS = env.number("UNDO_DAYS", 30)
AUDIT_DAYS = env.number("AUDIT_DAYS", 365, minimum=0)
# Whether owners may make links that show a view of their table to whoever has the link.
PUBLIC_LINKS = env.flag("PUBLIC_LINKS")

# Messages of webhooks and fetched files go to and come from public addresses, and these networks.
OUTGOING_ALLOW = env.networks("OUTGOING_ALLOW")

# Whether files are fetched from addresses that users give, and the buckets in S3 that are read for whoever asks.
REMOTE_SOURCES = env.flag("REMOTE_SOURCES")
SOURCE_BUCKETS = env.texts("SOURCE_BUCKETS")

# Files and mail ------------------------------------------------------------------------------------------------------

MAX_UPLOAD_BYTES = env.number("MAX_UPLOAD_BYTES", 10 * 1024**3)
# The file of an import that made its table is kept for so long, unless it is larger, so that it can be repeated.
IMPORT_SOURCE_HOURS = env.number("IMPORT_SOURCE_HOURS", 24, minimum=0)
IMPORT_SOURCE_BYTES = env.number("IMPORT_SOURCE_BYTES", 1024**3, minimum=0)
# Files up to this size are rehearsed while people look at the preview; larger ones when they ask for it.
REHEARSAL_BYTES = env.number("REHEARSAL_BYTES", 64 * 1024**2, minimum=0)
# The body of anything but a file. Sized for the largest one, 10,000 records in one bulk call.
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024**2
DATA_UPLOAD_MAX_NUMBER_FIELDS = 12_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024**2
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "dataengine.http.received.HoldingUploadHandler",
]
# Next to the uploads, so that storing is a move, and never in a /tmp that is in memory.
FILE_UPLOAD_TEMP_DIR = str(DATA_DIR / "tmp")
for _folder in (DATA_DIR, Path(FILE_UPLOAD_TEMP_DIR)):
    env.folder("DATA_DIR", _folder)

STORAGES = {
    "default": env.storage("STORAGE_URL", (DATA_DIR / "uploads").as_uri()),
    "staticfiles": {"BACKEND": "webui.static_files.StaticFilesStorage"},
}
STATIC_URL = "static/"
STATIC_ROOT = env.text("STATIC_ROOT") or str(DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEBUG
# Besides what is compressed already, maps of scripts: only a debugger fetches them, and squeezing these megabytes takes
# longer than all the rest of a first start's files.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = [*Compressor.SKIP_COMPRESS_EXTENSIONS, "map"]

vars().update(env.email("EMAIL_URL", f"filemail:///{quote(str(DATA_DIR / 'mail'))}"))
EMAIL_TIMEOUT = 10
# The console's URL for links in mails, most of which are written without a request.
PUBLIC_URL = env.web_address("PUBLIC_URL", env.own_address(CSRF_TRUSTED_ORIGINS))
PUBLIC_URL_IS_GIVEN = bool(env.text("PUBLIC_URL").strip())
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Tablekeep <tablekeep@localhost>")

# Automatic indexes ---------------------------------------------------------------------------------------------------

# Whether an index is made for a list that had to read more than so many records without it.
AUTO_INDEX = env.flag("AUTO_INDEX", default=True)
AUTO_INDEX_AFTER_RECORDS = env.number("AUTO_INDEX_AFTER_RECORDS", 1_000_000)

# API -----------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["dataengine.http.authentication.Authentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["dataengine.api.parsers.ExactJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "dataengine.api.schema.EngineSchema",
    "EXCEPTION_HANDLER": "dataengine.api.errors.exception_handler",
    "URL_FORMAT_OVERRIDE": None,  # ?format= is used by exports
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SIMPLE_JWT = {
    "SIGNING_KEY": JWT_SIGNING_KEY,
    # A key that other programs have, too, lets nobody in by what was signed for those.
    "AUDIENCE": "tablekeep",
    "ISSUER": "tablekeep",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "CHECK_REVOKE_TOKEN": True,  # a changed password invalidates every token
    "UPDATE_LAST_LOGIN": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tablekeep API",
    "DESCRIPTION": (BASE_DIR / "dataengine" / "api" / "description.md").read_text(),
    "VERSION": "1",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "dataengine.api.schema.describe_tags"],
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": 0},
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ImportChangeKind": "dataengine.queries.import_changes.KINDS",
        "IndexState": "dataengine.models.Index.ShownState",
        "JobState": "dataengine.models.Job.State",
        "SourcePaused": "dataengine.models.Source.Paused",
        "SourceResult": "dataengine.models.Source.Result",
        "TrashKind": ["table", "column"],
        "WebhookEvent": ["import.completed", "import.failed"],
    },
}
# Requests in a period, as (number, seconds); None: without a limit.
RATES = {
    "api": env.limit("API_RATE", "600/min"),  # of a user or a token
    "upload": env.limit("UPLOAD_RATE", "60/hour"),  # of a user
    "anonymous": env.limit("ANONYMOUS_RATE", "60/min"),  # from an address, without log-in
}
# The same of failed log-ins; successful ones are never slowed down.
FAILURE_RATES = {
    "login_failure": env.limit("LOGIN_FAILURE_RATE", "30/min"),  # from an address
    "account_failure": env.limit("ACCOUNT_FAILURE_RATE", "10/15min"),  # with the name of an account
}
# The token for reading /metrics from other machines; without it nobody can.
METRICS_TOKEN = env.text("METRICS_TOKEN")

# Logging -------------------------------------------------------------------------------------------------------------

LOG_FORMAT = env.choice("LOG_FORMAT", "plain", ("plain", "json"))
LOGGING = logs.configuration(LOG_FORMAT)
if SENTRY_DSN := env.text("SENTRY_DSN"):
    logs.report_errors(SENTRY_DSN, ROLE)
