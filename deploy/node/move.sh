# shellcheck shell=bash
# The change of a node from one runtime to another whose pods it cannot take over, as Kubernetes'
# guide to changing the runtime has it: cordon, drain, switch kubelet, verify, uncordon.
# To be sourced by migrate-to-containerd and rollback, which set from_* and to_*.
# shellcheck source=lib.sh
source "$here/lib.sh"

containerd_endpoint="$kubelet_default_endpoint"
containerd_units=(containerd.service)
drained='' extra_drain_options=() stop_units_after=()

take_move_options() {
  while [[ $# -gt 0 ]]; do
    common_option "$@"
    if ((taken > 0)); then
      shift "$taken"
      continue
    fi
    case "$1" in
      --drained) drained=yes; shift ;;
      --drain-options) read -ra extra_drain_options <<<"${2:?}"; shift 2 ;;
      --containerd-endpoint) containerd_endpoint="$(with_scheme "${2:?}")"; shift 2 ;;
      --containerd-units) read -ra containerd_units <<<"${2:?}"; shift 2 ;;
      --stop-units) read -ra stop_units_after <<<"${2:?}"; shift 2 ;;
      *) usage 2 >&2 ;;
    esac
  done
}

is_cordoned() { [[ "$(cluster get node "$node_name" -o 'jsonpath={.spec.unschedulable}')" == true ]]; }

# Somebody else's cordon stays; that of an earlier run of ours, which was cut short, does not.
cordon_and_drain() {
  uncordon_after=
  [[ -z "$drained" ]] || return 0
  step "the node's pods move away"
  if is_cordoned && [[ ! -e "$record/cordoned" ]]; then
    say "  node $node_name was cordoned before and stays so"
  else
    uncordon_after=yes
    on_failure forget_cordon
    on_failure cluster uncordon "$node_name"
    [[ -n "$dry_run" ]] || { mkdir -p "$record" && touch "$record/cordoned"; }
    do_it cluster cordon "$node_name"
  fi
  do_it cluster drain "$node_name" --ignore-daemonsets --delete-emptydir-data \
    --timeout "${drain_patience}s" "${extra_drain_options[@]}"
}
drain_patience=600

forget_cordon() { rm -f "$record/cordoned"; }

uncordon() {
  [[ -n "$uncordon_after" ]] || return 0
  step "the node takes pods again"
  do_it cluster uncordon "$node_name"
  [[ -n "$dry_run" ]] || forget_cordon
}

has_runtime() { # ENDPOINT: what the cluster says that the node runs
  local version
  version="$(cluster get node "$node_name" -o 'jsonpath={.status.nodeInfo.containerRuntimeVersion}')"
  case "$1" in
    *containerd*) [[ "$version" == containerd://* ]] ;;
    *) [[ "$version" == docker://* ]] ;;
  esac
}

verify_move() {
  step "is all well?"
  wait_for "kubelet says it is healthy" kubelet_is_healthy
  wait_for "the runtime and its network are ready" runtime_is_ready "$to_endpoint"
  if has_cluster; then
    wait_for "the cluster sees node $node_name on the new runtime" has_runtime "$to_endpoint"
    wait_for "node $node_name is Ready" node_is_ready
  fi
  stays_well "$settle" kubelet_is_healthy || die "kubelet does not stay healthy"
}

# The pods of the runtime that is left, with their networks. Kubelet makes static ones and those of
# DaemonSets again on the other.
remove_old_pods() {
  runtime_answers "$from_endpoint" || {
    say "  nobody serves $from_endpoint: no pods to remove there"
    return 0
  }
  do_it dockershimd remove-pods --endpoint "$from_endpoint"
}

move_node() {
  local endpoint
  endpoint="$(current_endpoint)"
  endpoint="${endpoint:-$kubelet_default_endpoint}"
  if [[ "$endpoint" == "$to_endpoint" ]] && is_active "$kubelet_unit" &&
    [[ ! -e "$record/cordoned" ]]; then
    say "this node runs on $to_endpoint already"
    verify_move
    return
  fi
  [[ "$endpoint" == "$to_endpoint" || "$endpoint" == "$from_endpoint" ]] ||
    die "kubelet uses $endpoint, neither $from_endpoint nor $to_endpoint"
  say "from: $from_endpoint"
  say "to:   $to_endpoint"
  if [[ -z "$drained" ]]; then
    has_cluster || die "needs kubectl and --kubeconfig FILE that may drain this node; or drain it from" \
      "elsewhere and say --drained"
    cluster get node "$node_name" >/dev/null || die "the cluster has no node $node_name; say --node-name"
  fi
  confirm "All pods of $(hostname) will move away or restart. Go on?"

  step "the new runtime"
  enable_and_start "${to_units[@]}"
  wait_for "the new runtime answers" runtime_answers "$to_endpoint"
  new_runtime_is_fit
  cordon_and_drain
  step "kubelet stops, what is left of the old runtime's pods goes"
  stop_kubelet
  remove_old_pods
  stop_units "${from_units[@]}" "${stop_units_after[@]}"
  disable_units "${from_units[@]}" "${stop_units_after[@]}"
  step "kubelet"
  use_endpoint "$to_endpoint"
  annotate_node "$to_endpoint"
  do_it service daemon-reload
  start_kubelet
  verify_move
  uncordon
  # From here on nothing is undone: the node is in use again.
  undo_stack=()
  clean_up_after
  step "done"
}
