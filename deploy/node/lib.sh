# shellcheck shell=bash
# What the procedures on a node share: steps that can be undone, services, kubelet's files, checks.
# To be sourced by them; see adopt, migrate-to-containerd and rollback.
# shellcheck disable=SC2034 # they use what is set here

# --- Settings; each procedure's options change them. ---
dry_run=
assume_yes=
systemctl=(systemctl)         # --systemctl: called as `systemctl VERB UNIT...`
kubelet_unit=kubelet.service  # --kubelet-unit
kubelet_config=               # --kubelet-config; found by itself where empty
kubeconfig=                   # --kubeconfig; found by itself where empty
node_name=                    # --node-name; found by itself where empty
patience=120                  # --timeout, seconds that each wait may take
settle=15                     # --settle, seconds for which all must stay well at the end
root=                         # a folder that stands for /, in the test of kubelet's files

dockershimd_units=(dockershimd.socket dockershimd.service)
dockershimd_config=/etc/dockershimd/config.toml
dockershimd_endpoint="$(sed -nE 's/^listen *= *"([^"]+)".*/\1/p' "$dockershimd_config" 2>/dev/null ||
  true)"
dockershimd_endpoint="${dockershimd_endpoint:-unix:///run/dockershimd.sock}"
kubelet_default_endpoint=unix:///run/containerd/containerd.sock # since 1.24
dockershimd_state=/var/lib/dockershimd
record="$dockershimd_state/node"  # what a procedure found, for the way back

# --- Talking to people ---
procedure="${0##*/}"
say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
warn() { printf '%s: warning: %s\n' "$procedure" "$*" >&2; }
die() {
  printf '%s: %s\n' "$procedure" "$*" >&2
  exit 1
}

# shellcheck disable=SC2120
usage() { # [STATUS]: the comment at the head of the script
  sed -n '2,/^set /{s/^# \{0,1\}//;/^set /!p}' "$0"
  exit "${1:-0}"
}

# common_option ARGUMENTS...: takes one option that all procedures have; sets `taken` to how many
# words it was, 0 for none.
common_option() {
  taken=2
  case "$1" in
    --systemctl | --kubelet-unit | --kubelet-config | --kubeconfig | --node-name | --timeout | --settle)
      [[ $# -ge 2 ]] || die "$1 needs a value" ;;
  esac
  case "$1" in
    --dry-run) dry_run=yes taken=1 ;;
    --yes) assume_yes=yes taken=1 ;;
    --systemctl) read -ra systemctl <<<"$2" ;;
    --kubelet-unit) kubelet_unit="$2" ;;
    --kubelet-config) kubelet_config="$2" ;;
    --kubeconfig) kubeconfig="$2" ;;
    --node-name) node_name="$2" ;;
    --timeout) patience="$2" ;;
    --settle) settle="$2" ;;
    --help | -h) usage 0 ;;
    *) taken=0 ;;
  esac
}

# --- Doing and undoing ---
undo_stack=()

# do_it COMMAND...: every change to the node goes through here.
do_it() {
  if [[ -n "$dry_run" ]]; then
    local words
    words="$(printf '%q ' "$@")"
    printf '  would run: %s\n' "${words/#service /"${systemctl[*]} "}"
    return 0
  fi
  "$@"
}

did() { [[ -n "$dry_run" ]] || say "  $*"; }

# on_failure COMMAND...: to be run if a later step fails, the latest first.
on_failure() { undo_stack+=("$(printf '%q ' "$@")"); }

roll_back_on_exit() {
  local status=$? failed=
  trap - EXIT
  trap '' INT TERM HUP # what is being undone gets undone
  if ((status != 0 && ${#undo_stack[@]} > 0)) && [[ -z "$dry_run" ]]; then
    printf '\n%s: FAILED. Putting the node back as it was:\n' "$procedure" >&2
    local i
    for ((i = ${#undo_stack[@]} - 1; i >= 0; --i)); do
      printf '  %s\n' "${undo_stack[i]}" >&2
      eval "${undo_stack[i]}" >&2 || { failed=yes; warn "that did not work: ${undo_stack[i]}"; }
    done
    if [[ -n "$failed" ]]; then
      printf '%s: NOT everything could be put back; see the warnings above.\n' "$procedure" >&2
    else
      printf '%s: the node is as it was before.\n' "$procedure" >&2
    fi
  fi
  # Copies that could not be put back are the admin's.
  [[ -n "${failed:-}" ]] || rm -rf "$copies"
  exit "$status"
}

begin() { # needs root, and one procedure at a time
  [[ -n "$root" || "$(id -u)" == 0 ]] || die "needs root"
  exec 9>"$root/run/lock/dockershimd-node.lock"
  flock -n 9 || die "another procedure runs on this node right now"
  copies="$(mktemp -d)"
  trap roll_back_on_exit EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

# wait_for WHAT COMMAND...: until it succeeds.
wait_for() {
  local what="$1" deadline=$((SECONDS + patience))
  shift
  [[ -z "$dry_run" ]] || { say "  would wait for: $what"; return 0; }
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || die "not in $patience s: $what"
    sleep 0.5
  done
  say "  $what: yes"
}

confirm() { # QUESTION
  [[ -z "$assume_yes" && -z "$dry_run" ]] || return 0
  [[ -t 0 ]] || die "$1 Say --yes where nobody can be asked"
  local answer
  read -rp "$1 [y/N] " answer
  [[ "$answer" == [yY]* ]] || die "not confirmed; nothing was changed"
}

# --- Services ---
# A daemon that is started here must not keep the lock.
service() { "${systemctl[@]}" "$@" 9>&-; }
is_active() { service is-active --quiet "$1" >/dev/null 2>&1; }
is_enabled() { service is-enabled --quiet "$1" >/dev/null 2>&1; }
unit_exists() { service cat "$1" >/dev/null 2>&1; }

# stop_units UNIT...: those that run.
stop_units() {
  local unit
  for unit in "$@"; do
    is_active "$unit" || continue
    on_failure service start "$unit"
    do_it service stop "$unit"
    did "stopped $unit"
  done
}

# disable_units UNIT...: they do not come back with the next boot.
disable_units() {
  local unit
  for unit in "$@"; do
    is_enabled "$unit" || continue
    on_failure service enable --quiet "$unit"
    do_it service disable --quiet "$unit"
  done
}

# enable_and_start UNIT...
enable_and_start() {
  local unit
  for unit in "$@"; do
    unit_exists "$unit" || continue
    if ! is_enabled "$unit"; then
      on_failure service disable --quiet "$unit"
      do_it service enable --quiet "$unit"
    fi
    is_active "$unit" && continue
    on_failure service stop "$unit"
    do_it service start "$unit"
    did "started $unit"
  done
}

stop_kubelet() {
  is_active "$kubelet_unit" || return 0
  on_failure service start "$kubelet_unit"
  do_it service stop "$kubelet_unit"
  did "stopped $kubelet_unit; running pods go on"
}

start_kubelet() {
  [[ -z "$dry_run" ]] && is_active "$kubelet_unit" && return 0
  on_failure service stop "$kubelet_unit"
  do_it service start "$kubelet_unit"
  did "started $kubelet_unit"
}

# --- Processes ---
# pid_of NAME: of the oldest process that is called so.
pid_of() {
  local comm name
  for comm in $(printf '%s\n' /proc/[0-9]*/comm | sort -V); do
    { read -r name <"$comm"; } 2>/dev/null || continue # it has ended
    if [[ "$name" == "${1:0:15}" ]]; then
      comm="${comm%/comm}"
      echo "${comm#/proc/}"
      return 0
    fi
  done
  return 1
}

# flag_of PID FLAG: the value of --FLAG on a process's command line; fails where it is not there.
flag_of() {
  local word take=
  while IFS= read -rd '' word; do
    if [[ -n "$take" ]]; then
      echo "$word"
      return 0
    fi
    case "$word" in
      "--$2="* | "-$2="*) echo "${word#*=}"; return 0 ;;
      "--$2" | "-$2") take=yes ;;
    esac
  done <"/proc/$1/cmdline"
  return 1
}

# Whether somebody serves CRI there; whether it says that it and its network are ready.
runtime_answers() { [[ -n "$(dockershimd status --endpoint "$1" 2>/dev/null)" ]]; }
runtime_is_ready() { dockershimd status --endpoint "$1" >/dev/null 2>&1; }

# --- kubelet's files ---
kubelet_version() { # "1.36"
  kubelet --version 2>/dev/null | sed -n 's/.* v\([0-9]*\.[0-9]*\).*/\1/p'
}

find_kubelet_config() {
  [[ -z "$kubelet_config" ]] || return 0
  local pid
  if [[ -z "$root" ]] && pid="$(pid_of kubelet)"; then
    kubelet_config="$(flag_of "$pid" config || true)"
  fi
  [[ -n "$kubelet_config" ]] || kubelet_config="$root/var/lib/kubelet/config.yaml"
}

# The files that may say which runtime kubelet uses. Units that a package has put under /usr or
# /lib are not ours to edit.
kubelet_files() {
  local file
  for file in "$kubelet_config" \
    "$root"/var/lib/kubelet/instance-config.yaml "$root"/var/lib/kubelet/kubeadm-flags.env \
    "$root"/etc/default/kubelet "$root"/etc/sysconfig/kubelet \
    "$root"/etc/systemd/system/"$kubelet_unit" \
    "$root"/etc/systemd/system/"$kubelet_unit".d/*.conf; do
    [[ ! -f "$file" ]] || echo "$file"
  done
}

# What a file says of the runtime, with the value as third group: a flag, YAML, or JSON.
flag_pattern='(--(container-runtime|image-service)-endpoint(=|[[:space:]]+)["'\'']?)([^"'\''[:space:]\\]+)'
yaml_pattern='^([[:space:]]*(containerRuntime|imageService)Endpoint:[[:space:]]*["'\'']?)([^"'\''#[:space:]]+)'
json_pattern='("(containerRuntime|imageService)Endpoint"[[:space:]]*:[[:space:]]*")([^"]+)'

# says_endpoint FILE: the runtime endpoint that it names, if any.
says_endpoint() {
  sed -nE \
    -e '/^[[:space:]]*#/d' \
    -e 's/.*--container-runtime-endpoint(=|[[:space:]]+)["'\'']?([^"'\''[:space:]\\]+).*/\2/p' \
    -e 's/^[[:space:]]*containerRuntimeEndpoint:[[:space:]]*["'\'']?([^"'\''#[:space:]]+).*/\1/p' \
    -e 's/.*"containerRuntimeEndpoint"[[:space:]]*:[[:space:]]*"([^"]+)".*/\1/p' "$1" | head -n 1
}

# with_scheme ENDPOINT: "/run/x.sock" means "unix:///run/x.sock".
with_scheme() {
  case "$1" in
    /*) echo "unix://$1" ;;
    *) echo "$1" ;;
  esac
}

# current_endpoint: what kubelet uses at its next start; nothing where no file says it. A flag wins
# over the configuration file.
current_endpoint() {
  local file found='' said
  while read -r file; do
    said="$(says_endpoint "$file")"
    [[ -n "$said" ]] || continue
    case "$file" in
      *.env | */default/kubelet | */sysconfig/kubelet | *.conf | *.service) found="$said"; break ;;
      *) found="${found:-$said}" ;;
    esac
  done < <(kubelet_files)
  [[ -z "$found" ]] || with_scheme "$found"
}

# change_file FILE COMMAND...: keeps a copy for the undo, then runs the command, which edits it.
change_file() {
  local file="$1" copy
  shift
  if [[ -n "$dry_run" ]]; then
    say "  would change $file"
    return 0
  fi
  copy="$copies/${file//\//_}.${#undo_stack[@]}"
  cp -p "$file" "$copy"
  on_failure cp -p "$copy" "$file"
  "$@"
  say "  changed $file"
}

write_endpoint() { # FILE ENDPOINT
  sed -Ei --follow-symlinks \
    -e "/^[[:space:]]*#/!s#$flag_pattern#\\1$2#g" \
    -e "s#$yaml_pattern#\\1$2#" \
    -e "s#$json_pattern#\\1$2#g" "$1"
}

# add_endpoint ENDPOINT: where no file says it yet.
add_endpoint() {
  if grep -q '^[[:space:]]*{' "$kubelet_config"; then
    sed -i --follow-symlinks "0,/{/s#{#{\"containerRuntimeEndpoint\": \"$1\", #" "$kubelet_config"
  else
    # kubeadm writes it empty.
    sed -i --follow-symlinks '/^containerRuntimeEndpoint:[[:space:]]*\(""\)\?[[:space:]]*$/d' \
      "$kubelet_config"
    printf 'containerRuntimeEndpoint: %s\n' "$1" >>"$kubelet_config"
  fi
}

# use_endpoint ENDPOINT: points kubelet's files at it.
use_endpoint() {
  local file said any=
  while read -r file; do
    said="$(says_endpoint "$file")"
    [[ -n "$said" ]] || continue
    any=yes
    [[ "$(with_scheme "$said")" == "$1" ]] || change_file "$file" write_endpoint "$file" "$1"
  done < <(kubelet_files)
  [[ -z "$any" ]] || return 0
  [[ -f "$kubelet_config" ]] ||
    die "no file of kubelet says which runtime it uses, and there is no $kubelet_config; " \
      "say --kubelet-config FILE"
  change_file "$kubelet_config" add_endpoint "$1"
}

# kubelet's own command line must not say something that no file of ours leads to.
check_kubelet_flags() {
  local pid said
  [[ -z "$root" ]] || return 0
  pid="$(pid_of kubelet)" || return 0
  said="$(flag_of "$pid" container-runtime-endpoint)" || return 0
  local file
  while read -r file; do
    grep -qF -- "$said" "$file" && return 0
  done < <(kubelet_files)
  die "kubelet runs with --container-runtime-endpoint=$said, which is in none of its usual files;" \
    "move that flag to a drop-in in /etc/systemd/system/$kubelet_unit.d, or to the file" \
    "/etc/default/kubelet"
}

# --- The cluster ---
find_cluster() {
  if [[ -z "$kubeconfig" ]]; then
    local file
    for file in "$root/etc/kubernetes/admin.conf" "$root/etc/kubernetes/kubelet.conf"; do
      [[ ! -r "$file" ]] || { kubeconfig="$file"; break; }
    done
  fi
  if [[ -z "$node_name" ]]; then
    local pid
    node_name="$(hostname)"
    node_name="${node_name,,}"
    if [[ -z "$root" ]] && pid="$(pid_of kubelet)"; then
      node_name="$(flag_of "$pid" hostname-override || echo "$node_name")"
    fi
  fi
}

has_cluster() { [[ -n "$kubeconfig" ]] && command -v kubectl >/dev/null; }
cluster() { kubectl --kubeconfig "$kubeconfig" "$@" 9>&-; }

socket_annotation=kubeadm.alpha.kubernetes.io/cri-socket
node_annotation() {
  cluster get node "$node_name" -o "jsonpath={.metadata.annotations['${socket_annotation//./\\.}']}"
}

# annotate_node ENDPOINT: kubeadm finds the runtime by this at the next upgrade. Only on nodes that
# kubeadm made.
annotate_node() {
  local now
  if ! has_cluster; then
    say "  no kubectl or no kubeconfig here. If kubeadm made this node, run where there is one:"
    say "    kubectl annotate node $node_name $socket_annotation=$1 --overwrite"
    return 0
  fi
  now="$(node_annotation)" || { warn "the annotation of node $node_name cannot be read"; return 0; }
  [[ -n "$now" && "$now" != "$1" ]] || return 0
  on_failure cluster annotate node "$node_name" "$socket_annotation=$now" --overwrite
  do_it cluster annotate node "$node_name" "$socket_annotation=$1" --overwrite
}

node_is_ready() {
  [[ "$(cluster get node "$node_name" \
    -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" == True ]]
}

# --- Checks at the end ---
# from_kubelet_config KEY: a plain value of YAML or one-line JSON.
from_kubelet_config() {
  sed -nE -e "s/^[[:space:]]*$1:[[:space:]]*[\"']?([^\"'[:space:]]+).*/\1/p" \
    -e "s/.*\"$1\"[[:space:]]*:[[:space:]]*\"?([^\",}]+).*/\1/p" \
    "$kubelet_config" 2>/dev/null | head -n 1
}

# kubelet_is_healthy: what it says of itself on its health port; that it runs where it has none.
kubelet_is_healthy() {
  local port address answer
  is_active "$kubelet_unit" || return 1
  port="$(from_kubelet_config healthzPort)"
  port="${port:-10248}"
  [[ "$port" != 0 ]] || return 0
  address="$(from_kubelet_config healthzBindAddress)"
  exec {http}<>"/dev/tcp/${address:-127.0.0.1}/$port" || return 1
  printf 'GET /healthz HTTP/1.0\r\n\r\n' >&"$http"
  read -rt 10 -u "$http" answer
  exec {http}>&-
  [[ "$answer" == *" 200 "* ]]
}

# pod_containers: "id started-at pod-uid/type/name" of every pod container and sandbox that runs.
pod_containers() {
  local format='{{.Id}} {{.State.StartedAt}} {{index .Config.Labels "io.kubernetes.pod.uid"}}'
  format+='/{{index .Config.Labels "io.kubernetes.docker.type"}}'
  format+='/{{index .Config.Labels "io.kubernetes.container.name"}}'
  docker ps -q --no-trunc --filter label=io.kubernetes.docker.type |
    xargs -r docker inspect --format "$format" 2>/dev/null | sort
}

# replaced BEFORE NOW: the names of those that run as other containers now.
replaced() {
  join -j 1 <(comm -23 <(echo "$1") <(echo "$2") | cut -d' ' -f3 | sort -u) \
    <(comm -13 <(echo "$1") <(echo "$2") | cut -d' ' -f3 | sort -u)
}

# stays_well SECONDS CHECK...: the check holds all that time.
stays_well() {
  local deadline=$((SECONDS + $1))
  shift
  [[ -z "$dry_run" ]] || return 0
  while ((SECONDS < deadline)); do
    "$@" || return 1
    sleep 1
  done
}
