#!/bin/sh
# As in the official image: options alone mean the server; the server runs as redis, and outside of protected mode.
set -eu
case "${1:-}" in
  -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
  case "$*" in
    *--protected-mode*) ;;
    *) set -- "$@" --protected-mode no ;;
  esac
  if [ "$(id -u)" = 0 ]; then
    find . \! -user redis -exec chown redis {} +
    set -- setpriv --reuid redis --regid redis --init-groups "$@"
  fi
fi
exec "$@"
