# Read by the entrypoints beside this file.

# from_file NAME [DEFAULT] exports NAME: its value, or the content of the file that NAME_FILE names, or DEFAULT.
from_file() {
	eval "value=\${$1:-} file=\${$1_FILE:-}"
	if [ -n "$value" ] && [ -n "$file" ]; then
		echo >&2 "error: both $1 and $1_FILE are set (but are exclusive)"
		exit 1
	fi
	if [ -n "$file" ]; then
		value=$(cat "$file")
	fi
	export "$1=${value:-${2:-}}"
	unset "$1_FILE"
}

# step_down USER DIR... -- COMMAND... goes on as USER (999), after giving it the directories. Only root can. The
# full path keeps busybox from running an applet of its own.
step_down() {
	user=$1
	shift
	while [ "$1" != -- ]; do
		find "$1" ! -user "$user" -exec chown "$user:" '{}' +
		shift
	done
	shift
	exec /usr/bin/setpriv --reuid=999 --regid=999 --clear-groups "$0" "$@"
}
