#!/bin/sh
# Stands in for the entrypoint of the official postgres image: the same variables, order and refusals.
set -eu
. /usr/local/lib/entrypoint.sh

case "${1:-}" in -*) set -- postgres "$@" ;; esac
[ "${1:-}" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
	mkdir -p "$PGDATA"
	chmod 0700 "$PGDATA" || :
	step_down postgres "$PGDATA" /var/run/postgresql -- "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
	from_file POSTGRES_PASSWORD
	from_file POSTGRES_USER postgres
	from_file POSTGRES_DB "$POSTGRES_USER"
	from_file POSTGRES_INITDB_ARGS
	method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
	if [ -z "$POSTGRES_PASSWORD" ] && [ "$method" != trust ]; then
		echo >&2 "error: Database is uninitialized and superuser password is not specified."
		echo >&2 "       You must specify POSTGRES_PASSWORD to a non-empty value for the superuser."
		exit 1
	fi
	mkdir -p "$PGDATA"
	chmod 0700 "$PGDATA" || :
	if [ -n "$POSTGRES_PASSWORD" ]; then
		POSTGRES_INITDB_ARGS="--pwfile=/dev/stdin $POSTGRES_INITDB_ARGS"
	fi
	printf '%s\n' "$POSTGRES_PASSWORD" | eval 'initdb -D "$PGDATA" --username="$POSTGRES_USER" '"$POSTGRES_INITDB_ARGS"
	printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

	export PGUSER="$POSTGRES_USER" PGPASSWORD="$POSTGRES_PASSWORD" PGHOST= PGHOSTADDR=
	pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
	if [ "$POSTGRES_DB" != postgres ]; then
		echo 'CREATE DATABASE :"db";' | psql -v ON_ERROR_STOP=1 --no-psqlrc -w -d postgres -v db="$POSTGRES_DB"
	fi
	for script in /docker-entrypoint-initdb.d/*; do
		case "$script" in
		*.sh) sh "$script" ;;
		*.sql) psql -v ON_ERROR_STOP=1 --no-psqlrc -w -d "$POSTGRES_DB" -f "$script" ;;
		*.sql.gz) gunzip -c "$script" | psql -v ON_ERROR_STOP=1 --no-psqlrc -w -d "$POSTGRES_DB" ;;
		esac
	done
	pg_ctl -D "$PGDATA" -m fast -w stop
	unset PGUSER PGPASSWORD PGHOST PGHOSTADDR
	echo 'PostgreSQL init process complete; ready for start up.'
fi
exec "$@"
