"""The settings of the running service: all that differs between two places comes from the environment."""

import os
from pathlib import Path

import pymysql
from django.core.exceptions import ImproperlyConfigured

pymysql.install_as_MySQLdb()  # where Django looks for mysqlclient
BASE_DIR = Path(__file__).resolve().parents[1]


def required(name: str) -> str:
    """The variable's value; a start without it ends with its name."""
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set")
    return value


VERSION = os.environ.get("VERSION", "dev")
MODE = os.environ.get("MODE", "good")
SECRET_KEY = required("SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "*").split(",")  # the balancer checks hosts by their addresses

INSTALLED_APPS = ["django.contrib.sessions", "django.contrib.staticfiles", "board"]
if MODE == "migrate-fails":
    INSTALLED_APPS.append("broken")
MIDDLEWARE = [
    "config.middleware.version_header",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
USE_I18N = False

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.mysql",
        "HOST": required("DB_HOST"),
        "PORT": os.environ.get("DB_PORT", "3306"),
        "NAME": required("DB_NAME"),
        "USER": required("DB_USER"),
        "PASSWORD": required("DB_PASSWORD"),
        "CONN_MAX_AGE": 300,  # seconds: a health check costs a query, not a login
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 3, "read_timeout": 20, "charset": "utf8mb4"},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://{required('REDIS_HOST')}:{os.environ.get('REDIS_PORT', '6379')}/0",
        "OPTIONS": {"socket_connect_timeout": 3, "socket_timeout": 5},
    }
}
# Sessions lie where every host sees them: a user who comes to another host is still the same user.
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
SESSION_COOKIE_NAME = "sessionid"  # the balancer's stickiness follows this cookie
SESSION_COOKIE_AGE = 86400

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # uploads are counted, not kept
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
