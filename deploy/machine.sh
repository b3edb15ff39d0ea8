# shellcheck shell=bash disable=SC2034
# Sourced by the scripts beside it: what they need of the machine. Not a command of its own.

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Runs a command as root, whoever we are.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs those of the named Debian packages that are missing.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || fail "these packages are missing and there is no sudo to install them: ${missing[*]}"
    say "installing ${missing[*]}"
    as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "these packages cannot be installed: ${missing[*]}"
}

need_swift() {
    command -v swift >/dev/null || fail "Swift 6.3 is needed: https://www.swift.org/install"
}

# What every build needs. PostgreSQL's own start-up of a system-wide cluster is not wanted: we make private ones.
build_packages=(libhiredis-dev libpq-dev libcurl4-openssl-dev libxml2-dev libargon2-dev libpcre2-dev zlib1g-dev libzstd-dev libssl-dev pkg-config)
server_packages=(postgresql-15 curl jq openssl ca-certificates libjs-chart.js john-data)
test_packages=(redis-server protobuf-compiler libprotobuf-dev libprotobuf-c-dev protobuf-c-compiler gcc libc6-dev chromium chromium-driver oathtool zbar-tools python3-venv)
security_packages=(sqlmap slowhttptest testssl.sh python3-venv curl)

# How what runs in earnest is built: the executables need no Swift on the machine they run on.
release=(-c release --static-swift-stdlib)

# Builds with a line of progress every few seconds; the whole output is in the log, shown when the build fails.
build() {
    local log=$1 started=$SECONDS
    shift
    mkdir -p "$(dirname "$log")"
    swift build "$@" >"$log" 2>&1 &
    local pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 2
        [ -t 1 ] && printf '\r    %4ds  %-70.70s' $((SECONDS - started)) "$(tail -n 1 "$log")"
        [ -t 1 ] || [ $(((SECONDS - started) % 30)) -gt 1 ] || printf '    %4ds  %s\n' $((SECONDS - started)) "$(tail -n 1 "$log" | cut -c1-100)"
    done
    [ -t 1 ] && printf '\r%-90s\r' ''
    if ! wait "$pid"; then
        grep -E 'error:|warning: unre' "$log" | sort -u | head -30 >&2
        fail "the build failed; everything it said is in $log"
    fi
    say "built in $((SECONDS - started)) s"
}

port_is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
