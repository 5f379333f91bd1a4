#!/bin/sh
# Stands in for the entrypoint of the official mongo image, with FerretDB as the server. Options meant for mongod
# are ignored.
set -eu
. /usr/local/lib/entrypoint.sh

case "${1:-}" in -*) set -- mongod "$@" ;; esac
[ "${1:-}" = mongod ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
	step_down mongodb /data/db /data/configdb -- "$@"
fi

from_file MONGO_INITDB_ROOT_USERNAME
from_file MONGO_INITDB_ROOT_PASSWORD
user=$MONGO_INITDB_ROOT_USERNAME password=$MONGO_INITDB_ROOT_PASSWORD
unset MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD
if [ -n "$user" ] && [ -n "$password" ]; then
	export FERRETDB_TEST_ENABLE_NEW_AUTH=true FERRETDB_SETUP_DATABASE=admin
	export FERRETDB_SETUP_USERNAME="$user" FERRETDB_SETUP_PASSWORD="$password"
elif [ -n "$user$password" ]; then
	echo >&2 "error: both MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD are required if one is set"
	exit 1
fi
export FERRETDB_HANDLER=sqlite FERRETDB_SQLITE_URL=file:/data/db/ FERRETDB_STATE_DIR=/data/db
export FERRETDB_LISTEN_ADDR=:27017 FERRETDB_DEBUG_ADDR=- FERRETDB_TELEMETRY=disable
exec /usr/local/bin/ferretdb
