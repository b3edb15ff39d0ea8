# shellcheck shell=bash disable=SC2034
# Sourced by deploy/up and deploy/test: a PostgreSQL of our own in a folder, reached by a socket in it or by a loopback port.
# PostgreSQL refuses to run as root, so under root it runs as user postgres.

pg_bin=/usr/lib/postgresql/15/bin

as_postgres() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# pg_make FOLDER PASSWORD LINE…: makes the cluster when there is none; each LINE goes to its configuration.
pg_make() {
    local folder=$1 password=$2
    shift 2
    mkdir -p "$folder"
    [ "$(id -u)" != 0 ] || chown postgres "$folder"
    as_postgres test -w "$folder" || fail "user postgres cannot reach $folder: set ASSAY_HOME to a folder that it can"
    if ! as_postgres test -f "$folder/data/PG_VERSION"; then
        printf '%s' "$password" | as_postgres sh -c "umask 077; cat > '$folder/password'"
        as_postgres "$pg_bin/initdb" -D "$folder/data" -U postgres -A scram-sha-256 --pwfile="$folder/password" --no-locale -E UTF8 >/dev/null
        as_postgres rm "$folder/password"
        printf '%s\n' "$@" | as_postgres sh -c "cat >> '$folder/data/postgresql.conf'"
    fi
}

pg_start() {
    local folder=$1
    as_postgres "$pg_bin/pg_ctl" -D "$folder/data" status >/dev/null 2>&1 && return
    as_postgres "$pg_bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 60 start >/dev/null ||
        fail "PostgreSQL did not start: $(as_postgres tail -n 5 "$folder/log")"
}

pg_stop() {
    local folder=$1
    if as_postgres "$pg_bin/pg_ctl" -D "$folder/data" status >/dev/null 2>&1; then
        as_postgres "$pg_bin/pg_ctl" -D "$folder/data" -m fast -w stop >/dev/null
    fi
}
