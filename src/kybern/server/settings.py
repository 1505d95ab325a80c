"""Django's settings, all of them made from the environment (`_environment`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from kybern.server._environment import database_of, read_environment
from kybern.server._identity import apps_of, providers_of
from kybern.server._logging import form_of, log_config

ENVIRONMENT: Final = read_environment()
HERE: Final = Path(__file__).parent

DEBUG = ENVIRONMENT.debug
SECRET_KEY = ENVIRONMENT.secret
ALLOWED_HOSTS = list(ENVIRONMENT.hosts)
KYBERN_DATA = ENVIRONMENT.data
KYBERN_URL = ENVIRONMENT.url
KYBERN_WEBHOOKS_LOOPBACK = ENVIRONMENT.webhooks_loopback
KYBERN_RATE_LIMIT = ENVIRONMENT.rate_limit

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    *apps_of(ENVIRONMENT.identity),
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "kybern.server.access",
    "kybern.server.store",
    "kybern.server.events",
    "kybern.server.traffic",
    "kybern.server.jobs",
    "kybern.server.pages",
]

MIDDLEWARE = [
    "kybern.server.pages.middleware.RequestContext",
    "kybern.server.pages.middleware.ContentPolicy",
    "django.middleware.security.SecurityMiddleware",
    "kybern.server.watch.Watch",
    "kybern.server.traffic.problems.Problems",
    "kybern.server.health.Probes",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kybern.server.pages.public.PublicPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "kybern.server.access.activity.Activity",
    "django_htmx.middleware.HtmxMiddleware",
    "kybern.server.access.middleware.ActorMiddleware",
    "kybern.server.pages.middleware.Refusals",
    "kybern.server.traffic.limits.Limits",
    "kybern.server.traffic.once.Once",
]

ROOT_URLCONF = "kybern.server.urls"
ASGI_APPLICATION = "kybern.server.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "access.User"
DATABASES: dict[str, Any] = {"default": database_of(ENVIRONMENT.database_url, ENVIRONMENT.data)}

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [HERE / "pages" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {"environment": "kybern.server.jinja.environment"},
    },
    {
        # allauth's pages are written in Django's own language; their frame and their parts are ours.
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "pages" / "allauth_templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [HERE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [HERE / "pages" / "static", HERE.parent / "report" / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "kybern.server.access.passwords.ShortestLength", "OPTIONS": {"min_length": 12}},
    {"NAME": "kybern.server.access.passwords.LongestLength"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "kybern.server.access.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
MFA_ADAPTER = "kybern.server.access.adapter.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not ENVIRONMENT.secure
ALLAUTH_TRUSTED_PROXY_COUNT = ENVIRONMENT.proxies
USERSESSIONS_TRACK_ACTIVITY = True
SOCIALACCOUNT_ADAPTER = "kybern.server.access.adapter.SocialAdapter"
SOCIALACCOUNT_PROVIDERS = providers_of(ENVIRONMENT.identity)
# The way to a provider is a link: a form may not lead elsewhere, by the content policy. A link that somebody else made leads whoever
# follows it to their own account; connecting accounts, where that would harm, is not done (`access.adapter`).
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10

SESSION_ENGINE = "kybern.server.access.sessions"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = ENVIRONMENT.secure
SESSION_COOKIE_NAME = "__Host-kybern" if ENVIRONMENT.secure else "kybern"
CSRF_COOKIE_SECURE = ENVIRONMENT.secure
CSRF_COOKIE_NAME = "__Host-kybern-csrf" if ENVIRONMENT.secure else "csrftoken"
CSRF_FAILURE_VIEW = "kybern.server.pages.errors.not_ours"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = ENVIRONMENT.secure
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [ENVIRONMENT.url]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if ENVIRONMENT.secure else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENVIRONMENT.proxies else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 << 20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

CACHES = {"default": {"BACKEND": "kybern.server.traffic.shared.SharedCache"}}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = log_config(form_of(ENVIRONMENT.log), ENVIRONMENT.log_level)
