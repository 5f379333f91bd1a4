# Becomes sshd on a private engine's machine: $1 is the program, $2 its folder, $3 the engine's socket. The machine gets
# the accounts of the folder, and the socket where docker looks for it.
mkdir -p /run/sshd && chmod 755 /run/sshd && ln -sf "$3" /run/docker.sock && mount --bind "$2/passwd" /etc/passwd || exit
export LD_LIBRARY_PATH="${1%/sbin/sshd}/lib/$(uname -m)-linux-gnu"
exec "$1" -D -e -f "$2/sshd_config"
