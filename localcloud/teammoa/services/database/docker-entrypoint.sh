#!/bin/sh
# The official mysql image's contract: a first start makes the database, the user and root's password from MYSQL_ROOT_PASSWORD,
# MYSQL_DATABASE, MYSQL_USER and MYSQL_PASSWORD (each also as NAME_FILE). Later starts find data and change nothing.
set -eu
data=/var/lib/mysql
made=$data/made-by-entrypoint

value() { # the variable, or the content of the file that NAME_FILE names
  eval "file=\${$1_FILE:-}"
  if [ -n "$file" ]; then cat "$file"; else eval "printf '%s' \"\${$1:-}\""; fi
}

quoted() { # as an SQL string
  printf "'%s'" "$(printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e "s/'/''/g")"
}

say() { # echo would read the backslashes
  printf '%s\n' "$1"
}

first_words() {
  root=$(quoted "$(value MYSQL_ROOT_PASSWORD)")
  database=$(value MYSQL_DATABASE)
  user=$(value MYSQL_USER)
  say "DELETE FROM mysql.global_priv WHERE User = '';"
  say "FLUSH PRIVILEGES;"
  say "CREATE USER IF NOT EXISTS root@'%';"
  say "ALTER USER root@'%' IDENTIFIED BY $root;"
  say "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
  if [ -n "$database" ]; then say "CREATE DATABASE IF NOT EXISTS \`$database\`;"; fi
  if [ -n "$user" ]; then
    say "CREATE USER IF NOT EXISTS $(quoted "$user")@'%' IDENTIFIED BY $(quoted "$(value MYSQL_PASSWORD)");"
    if [ -n "$database" ]; then say "GRANT ALL ON \`$database\`.* TO $(quoted "$user")@'%';"; fi
  fi
  say "ALTER USER root@localhost IDENTIFIED BY $root;"
  say "SELECT 'made' INTO OUTFILE '$made';" # the last word: a first start that is cut off begins again
}

case "${1:-}" in
  -*) set -- mysqld "$@" ;;
esac
if [ "$1" = mysqld ] || [ "$1" = mariadbd ]; then
  shift
  if [ ! -e "$made" ] && { [ ! -e "$data/mysql" ] || [ -e "$data/begun" ]; }; then
    if [ -z "$(value MYSQL_ROOT_PASSWORD)" ]; then
      echo "database: MYSQL_ROOT_PASSWORD is not set" >&2
      exit 1
    fi
    find "$data" -mindepth 1 -delete
    touch "$data/begun"
    cp -a /usr/local/share/mysql-seed/. "$data/"
    words=$(mktemp /run/mysqld/first.XXXXXX)
    first_words > "$words"
    set -- --init-file="$words" "$@"
    chown mysql "$words"
  fi
  chown -R mysql:mysql "$data" /run/mysqld
  exec mariadbd "$@"
fi
exec "$@"
