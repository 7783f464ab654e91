#!/usr/bin/env bash
# Runs a command, such as "go test ./store", with a PostgreSQL of its own:
# Debian's package, a new cluster in a temporary directory, a free port on
# loopback, nobody else's business. Its URL is in FARMPROXY_TEST_POSTGRES.
# Needs the package postgresql; as root, also its user postgres.
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: $0 COMMAND [ARGUMENT...]" >&2; exit 2; }

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$bin/initdb" ] || { echo "$0: no PostgreSQL here: apt-get install postgresql" >&2; exit 1; }

# PostgreSQL refuses to run as root.
as=()
[ "$(id -u)" -ne 0 ] || as=(runuser -u postgres --)

data=$(mktemp -d)
stop() {
	"${as[@]}" "$bin/pg_ctl" -D "$data/cluster" -m immediate -w stop >/dev/null 2>&1 || true
	rm -rf "$data"
}
trap stop EXIT
[ ${#as[@]} -eq 0 ] || chown postgres "$data"

cd "$data" # the other user can't be where we are
"${as[@]}" "$bin/initdb" -D "$data/cluster" -U farmproxy --auth=trust --no-sync >"$data/log" 2>&1 || { cat "$data/log" >&2; exit 1; }

# A port that is free now may be taken when it is needed, so try a few.
for attempt in 1 2 3 4 5; do
	port=$((20000 + RANDOM % 12000))
	if "${as[@]}" "$bin/pg_ctl" -D "$data/cluster" -l "$data/cluster/log" -w -t 30 \
		-o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off" start >"$data/start" 2>&1; then
		started=yes
		break
	fi
done
[ "${started:-}" = yes ] || { cat "$data/start" "$data/cluster/log" >&2; exit 1; }

cd "$OLDPWD"
export FARMPROXY_TEST_POSTGRES="postgres://farmproxy@127.0.0.1:$port/postgres?sslmode=disable"
"$@"
