#!/bin/sh
# Stands in for the entrypoint of the official redis image.
set -eu
. /usr/local/lib/entrypoint.sh

case "${1:-}" in -* | *.conf) set -- redis-server "$@" ;; esac
[ "${1:-}" = redis-server ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
	step_down redis /data -- "$@"
fi

# The official image is compiled with protected mode off, Debian's redis with it on. What the caller says about
# it, as an option or in a configuration file, goes before.
said=$*
case "${2:-}" in
*.conf) said="$said $(grep -s '^ *protected-mode' "$2" || :)" ;;
esac
case "$said" in
*protected-mode*) ;;
*) set -- "$@" --protected-mode no ;;
esac
[ "$(umask)" != 0022 ] || umask 0077
exec "$@"
