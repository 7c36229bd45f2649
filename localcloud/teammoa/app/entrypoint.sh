#!/bin/sh
# What happens before the server starts. A release runs the migrations itself, once; where there is no release (a
# developer's compose file) MIGRATE_ON_START=1 makes every start do it.
set -eu
if [ "${MIGRATE_ON_START:-}" = 1 ]; then
  python manage.py migrate --noinput
fi
exec "$@"
