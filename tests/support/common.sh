# shellcheck shell=bash
# What the scripts that run inside an isolated environment share.
support="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
repo="$(readlink -f "$support/../..")"
# shellcheck source=cache.sh
source "$support/cache.sh"

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# Each daemon leaves PIDS/NAME and writes LOGS/NAME.log.
daemon_pid() { cat "$DSD_TEST_STATE/pids/$1" 2>/dev/null; }

is_alive() {
  local state
  state="$(sed -n 's/^State:\s*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)" || return 1
  [[ -n "$state" && "$state" != Z ]]
}

# start_daemon NAME COMMAND...
start_daemon() {
  local name="$1"
  shift
  "$@" >>"$DSD_TEST_LOGS/$name.log" 2>&1 </dev/null &
  echo $! >"$DSD_TEST_STATE/pids/$name"
  disown
}

# wait_until_ready NAME SECONDS CHECK...: until CHECK succeeds; shows the log when it does not.
wait_until_ready() {
  local name="$1" deadline=$((SECONDS + $2)) pid
  shift 2
  pid="$(daemon_pid "$name")"
  until "$@" >/dev/null 2>&1; do
    if ! is_alive "$pid"; then
      show_log "$name"
      fail "$name ended before it was ready"
    fi
    if ((SECONDS >= deadline)); then
      show_log "$name"
      fail "$name is not ready in time"
    fi
    sleep 0.05
  done
}

show_log() {
  echo "--- the last lines of $1.log" >&2
  tail -n 40 "$DSD_TEST_LOGS/$1.log" >&2
  echo "---" >&2
}

# stop_daemon NAME [SIGNAL]: and waits until it is gone.
stop_daemon() {
  local pid deadline=$((SECONDS + 30))
  pid="$(daemon_pid "$1")" || return 0
  kill -"${2:-TERM}" "$pid" 2>/dev/null || true
  while is_alive "$pid"; do
    ((SECONDS < deadline)) || kill -KILL "$pid" 2>/dev/null || true
    sleep 0.02
  done
  rm -f "$DSD_TEST_STATE/pids/$1"
}
