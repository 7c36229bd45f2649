"""The settings of the tests and of the image's build: no server beside this process is needed."""

import os

for name in ("SECRET_KEY", "DB_HOST", "DB_NAME", "DB_USER", "DB_PASSWORD", "REDIS_HOST"):
    os.environ.setdefault(name, "test")

from config.settings import *  # noqa: E402, F403 - the same settings, with other servers

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
