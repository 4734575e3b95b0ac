# shellcheck shell=bash
# Where third-party binaries and test images are kept between runs: outside the clone, by version.
cache_dir="${DOCKERSHIMD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dockershimd}"
mkdir -p "$cache_dir"

moby_version=v2.0.0-beta.24 # Docker Engine 29, API 1.40 to 1.56
containerd_version=v2.2.9
runc_version=v1.3.3
cri_tools_version=v1.36.0
kubernetes_version=v1.36.1
spdy_kubectl_version=v1.29.15 # kubectl before 1.31 speaks SPDY only
metrics_server_version=v0.8.0
cri_dockerd_version=v0.4.3
cri_api_version=v0.37.2
go_needed=1.26

moby_bin="$cache_dir/moby-$moby_version"
containerd_bin="$cache_dir/containerd-$containerd_version"
runc_bin="$cache_dir/runc-$runc_version"
cri_tools_bin="$cache_dir/cri-tools-$cri_tools_version"
kubernetes_bin="$cache_dir/kubernetes-$kubernetes_version"
control_plane_bin="$cache_dir/control-plane-$kubernetes_version" # with kubectl
spdy_kubectl_bin="$cache_dir/kubectl-$spdy_kubectl_version"
metrics_server_bin="$cache_dir/metrics-server-$metrics_server_version"
cri_dockerd_bin="$cache_dir/cri-dockerd-$cri_dockerd_version"
cri_api_source="$cache_dir/cri-api-$cri_api_version"
