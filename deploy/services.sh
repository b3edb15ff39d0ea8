# shellcheck shell=bash disable=SC2034
# Sourced by deploy/up and deploy/down: the seven services in the order of the call graph, callers first.
services=(gateway scheduling execution validation analytics projects notifications)

# Stops what the pid file names, if it still is that process: the id may have been given to another program since.
stop_recorded() {
    local file=$1 name pid
    name=$(basename "$file" .pid)
    [ -f "$file" ] || return 0
    pid=$(cat "$file")
    if [ "$(tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | head -n 1 | xargs -r basename)" = "assay-$name" ]; then
        kill -TERM "$pid" 2>/dev/null || true
        for _ in $(seq 450); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -0 "$pid" 2>/dev/null && kill -KILL "$pid"
    fi
    rm -f "$file"
}
