"""A node of a cluster goes from dockershimd to containerd and back: its pods are drained, and start
on the other runtime."""

import glob
import json
import os
import re
import shutil

import units
from units import node

from cluster import Cluster, container, deployment, pod

ANNOTATION = "kubeadm.alpha.kubernetes.io/cri-socket"
NODE = "node/" + node.NODE_NAME
DOCKERSHIMD, CONTAINERD = units.NEW_ENDPOINT, units.CONTAINERD_ENDPOINT
# What of our name is no pod's and no daemon's: the package's files, and the procedures' own lock.
INSTALLED = re.compile(r"/etc/systemd/system/dockershimd\.(service|socket)|/etc/systemd/system/dockershimd"
                       r"\.service\.d|/etc/dockershimd|/run/lock/dockershimd-node\.lock")


class Node:
    """The cluster, and the pods that live on its one node."""

    def __init__(self):
        self.cluster = Cluster(os.environ["DSD_TEST_CONTROL_PLANE"], os.environ["DSD_TEST_KUBELET"],
                               spdy_kubectl="", metrics_server="", kubelet_kind=units.ClusterKubelet)
        self.kubelet = self.cluster.kubelet
        self.manifests = os.path.join(node.STATE, "static-pods")
        self.kubelet.configuration["staticPodPath"] = self.manifests
        os.makedirs(self.manifests, exist_ok=True)
        # kubeadm's own way on one engine, a plain kubelet's on the other.
        self.by_kubeadm = node.ENGINE == "20.10"

    def start(self):
        self.kubelet.install(DOCKERSHIMD, in_flags=self.by_kubeadm)
        os.makedirs("/etc/kubernetes", exist_ok=True)
        shutil.copy(self.cluster.kubeconfig, "/etc/kubernetes/admin.conf")
        os.environ["PATH"] += ":" + os.environ["DSD_TEST_CONTROL_PLANE"]
        self.cluster.start()
        if self.by_kubeadm:
            self.cluster.kubectl("annotate", NODE, f"{ANNOTATION}={DOCKERSHIMD}")
        self.space = self.cluster.namespace("moving")
        self.add_pods()
        self.has_all_on("docker")

    def add_pods(self):
        """Of a Deployment, of a DaemonSet, and a static one; one has a port of the node."""
        agent = pod("agent", container(volumeMounts=[{"name": "data", "mountPath": "/data"}]),
                    volumes=[{"name": "data", "emptyDir": {}}])
        self.space.apply(
            deployment("web", 3, container(image=node.NGINX, command=["nginx", "-g", "daemon off;"],
                                           readinessProbe={"httpGet": {"path": "/", "port": 80}}),
                       terminationGracePeriodSeconds=1),
            deployment("port", 1, container(image=node.NGINX, command=["nginx", "-g", "daemon off;"],
                                            ports=[{"containerPort": 80, "hostPort": 8080}]),
                       strategy={"type": "Recreate"}, terminationGracePeriodSeconds=1),
            {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"},
             "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": {
                 "metadata": {"labels": {"app": "agent"}}, "spec": agent["spec"]}}})
        static = pod("static", hostNetwork=True)
        static["metadata"]["namespace"] = self.space.name
        units.write(os.path.join(self.manifests, "static.json"), json.dumps(static))

    def stop(self):
        self.cluster.stop()

    def has_all_on(self, scheme):
        """Waits until all pods are Ready with containers of that runtime; returns their ids."""
        def ids():
            pods = [one for one in self.space.pods() if "deletionTimestamp" not in one["metadata"]]
            names = sorted(one["metadata"].get("labels", {}).get("app", "") for one in pods)
            assert names == ["agent", "port", "static", "web", "web", "web"], names
            assert all(node.is_ready(one) for one in pods), "not all are Ready"
            found = sorted(status["containerID"] for one in pods
                           for status in one["status"]["containerStatuses"])
            assert all(name.startswith(scheme + "://") for name in found), found
            return found

        found = node.wait_for(f"all pods run on {scheme}", 120, ids)
        page = node.wait_for("the port of the node answers", 30, lambda: node.opener.open(
            f"http://{node.NODE_ADDRESS}:8080/", timeout=2).read())
        assert b"nginx" in page
        return found

    def shown(self):
        """What the cluster says of the node, as far as a procedure may change it."""
        one = self.cluster.node()
        return {"unschedulable": one["spec"].get("unschedulable", False),
                "annotation": one["metadata"].get("annotations", {}).get(ANNOTATION),
                "runtime": one["status"]["nodeInfo"]["containerRuntimeVersion"].partition(":")[0]}

    def state(self):
        """What a dry or failed run must not have changed."""
        files = {path: units.read(path) for path in
                 (units.KUBELET_CONFIG, units.KUBEADM_FLAGS, units.DAEMON_CONFIG) if os.path.exists(path)}
        active = [unit for unit in ("kubelet.service", "dockershimd.service", "dockershimd.socket",
                                    "containerd.service") if units.active(unit)]
        return (files, active, sorted(glob.glob("/etc/systemd/system/*.wants/*")),
                glob.glob("/var/lib/dockershimd/node/*"), self.shown())


def fails(moving, scheme, name, step, *options):
    """The procedure fails at that step of systemctl, or by its options; the node is as it was."""
    print(f"-- fails: {step or options}", flush=True)
    state = moving.state()
    with units.failing(step):
        said = units.procedure(name, *options, status=1)
    assert "the node is as it was before" in said
    node.wait_for("the node says what it said", 30, lambda: moving.shown() == state[-1])
    assert moving.state() == state, f"after '{step}': {moving.state()} is not {state}"
    moving.has_all_on(scheme)


def changes_nothing(moving, scheme, name, *words):
    """A dry run says each step, and every container runs on."""
    state, ids = moving.state(), moving.has_all_on(scheme)
    said = units.procedure(name, "--dry-run")
    for word in words:
        assert word in said, f"not said: {word}"
    assert moving.state() == state
    assert moving.has_all_on(scheme) == ids


def is_done(moving, scheme, name):
    """A run of what is done already changes nothing."""
    state, ids = moving.state(), moving.has_all_on(scheme)
    assert "already" in units.procedure(name)
    assert moving.state() == state
    assert moving.has_all_on(scheme) == ids


def networks_are_of(endpoint):
    """Every lease, CNI result, firewall rule and network namespace is of a pod of that runtime."""
    with units.crictl(endpoint):
        ids = set(node.run("crictl", "pods", "-q").split())
        left = node.leftovers()
    own = {"leases": [units.read(path).split()[0] for path in left.get("leases", [])],
           "CNI results": [re.search(r"[0-9a-f]{64}", path)[0] for path in left.get("CNI results", [])],
           "iptables rules": re.findall(r'id: \\?"([0-9a-f]{64})', "\n".join(left.get("iptables rules", [])))}
    strangers = {kind: set(found) - ids for kind, found in own.items() if set(found) - ids}
    assert not strangers, strangers
    with_network = len(own["leases"])
    assert with_network == 5, f"{with_network} pods have an address, not 5"
    assert len(left["network namespaces"]) == with_network, left["network namespaces"]
    assert len(left["veth devices"]) == with_network, left["veth devices"]
    return True


def nothing_of_ours():
    """Neither pods nor files, sockets, images or enabled units."""
    assert not node.run("docker", "ps", "-aq", "--filter", "label=io.kubernetes.docker.type").split()
    assert "dockershimd/pause" not in node.run("docker", "images")
    found = node.run("find", "/run", "/var/lib", "/etc", "-xdev", "-name", "*dockershimd*", "-not", "-path",
                     node.STATE + "/*").splitlines()
    left = [path for path in found if not INSTALLED.fullmatch(path)]
    assert not left, left
    return True


def dry_run(moving):
    """The way to containerd: --dry-run changes nothing, and says all that would be."""
    changes_nothing(moving, "docker", "migrate-to-containerd", "start containerd.service", "cordon",
                    "drain", "remove-pods", "stop dockershimd.service", "would change",
                    "start kubelet.service", "uncordon")


def failures_are_undone(moving):
    """The way to containerd: whatever step fails, the node is as it was and its pods come back."""
    moving.space.apply({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                        "metadata": {"name": "web"},
                        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}}})
    node.wait_for("the budget holds", 30, lambda: moving.cluster.get(
        f"/apis/policy/v1/namespaces/{moving.space.name}/poddisruptionbudgets/web"
    )["status"].get("currentHealthy") == 3)
    fails(moving, "docker", "migrate-to-containerd", "", "--drain-options", "--timeout=3s")
    moving.space.kubectl("delete", "poddisruptionbudget", "web")
    for step in ("start containerd.service", "stop dockershimd.service", "start kubelet.service once"):
        fails(moving, "docker", "migrate-to-containerd", step)


def migrate(moving):
    """To containerd, after a run that was killed: pods come back, nothing of ours is left."""
    bystander = node.run("docker", "run", "-d", "--network", "none", node.BUSYBOX, *node.FOREVER).strip()
    with units.failing("stop dockershimd.service kill"):
        units.procedure("migrate-to-containerd", status=-9)
    assert moving.shown()["unschedulable"]
    units.procedure("migrate-to-containerd")
    moving.has_all_on("containerd")
    assert moving.shown() == {"unschedulable": False, "runtime": "containerd",
                              "annotation": CONTAINERD if moving.by_kubeadm else None}
    nothing_of_ours()
    assert node.run("docker", "ps", "-q", "--no-trunc").split() == [bystander]
    node.run("docker", "rm", "-f", bystander)
    node.wait_for("the networks are containerd's", 60, lambda: networks_are_of(CONTAINERD))
    is_done(moving, "containerd", "migrate-to-containerd")


def rollback_failures(moving):
    """The way back: a dry run changes nothing, nor does one that fails."""
    changes_nothing(moving, "containerd", "rollback", "start dockershimd.service", "drain", "remove-pods",
                    "would change", "start kubelet.service", "uncordon")
    for step in ("start dockershimd.service", "start kubelet.service once"):
        fails(moving, "containerd", "rollback", step)


def rollback(moving):
    """Back to dockershimd: pods come back there, containerd has none. An admin's own cordon stays."""
    moving.cluster.kubectl("cordon", node.NODE_NAME)
    units.procedure("rollback")
    assert moving.shown() == {"unschedulable": True, "runtime": "docker",
                              "annotation": DOCKERSHIMD if moving.by_kubeadm else None}
    moving.cluster.kubectl("uncordon", node.NODE_NAME)
    moving.has_all_on("docker")
    with units.crictl(CONTAINERD):
        for what in (["pods", "-q"], ["ps", "-aq"]):
            assert not node.run("crictl", *what).split(), f"left in containerd: crictl {what}"
    node.wait_for("the networks are dockershimd's", 60, lambda: networks_are_of(DOCKERSHIMD))
    is_done(moving, "docker", "rollback")


def playbook(moving):
    """A playbook does both ways, with kubectl elsewhere than on the node."""
    os.unlink("/etc/kubernetes/admin.conf")
    elsewhere = {"dockershimd_kubectl_host": node.NODE_NAME,
                 "dockershimd_kubectl": ["kubectl", "--kubeconfig", moving.cluster.kubeconfig]}
    for procedure, scheme, endpoint in (("migrate-to-containerd", "containerd", CONTAINERD),
                                        ("rollback", "docker", DOCKERSHIMD)):
        state, ids = moving.state(), moving.has_all_on(moving.shown()["runtime"])
        units.playbook(procedure, "--check", **elsewhere)
        assert moving.state() == state and moving.has_all_on(state[-1]["runtime"]) == ids
        assert units.playbook(procedure, **elsewhere) > 0
        ids = moving.has_all_on(scheme)
        assert moving.shown() == {"unschedulable": False, "runtime": scheme,
                                  "annotation": endpoint if moving.by_kubeadm else None}
        assert units.playbook(procedure, **elsewhere) == 0
        assert moving.has_all_on(scheme) == ids


def nothing_left(moving):
    """Pods that went there and back end without a trace on either runtime."""
    os.unlink(os.path.join(moving.manifests, "static.json"))
    moving.space.kubectl("delete", "namespace", moving.space.name, timeout=200)
    for endpoint in (DOCKERSHIMD, CONTAINERD):
        with units.crictl(endpoint):
            node.wait_for("nothing is left", 180, node.nothing_left)


SCENARIOS = (dry_run, failures_are_undone, migrate, rollback_failures, rollback, playbook,
             nothing_left)


def rehearse(report):
    """Runs the scenarios up to the first that fails: each needs those before it."""
    units.install_dockershimd()
    units.install_containerd()
    units.systemctl("enable", "--now", "dockershimd.socket", "dockershimd.service")
    moving = Node()
    moving.start()
    try:
        all(report.run(scenario, moving) for scenario in SCENARIOS)
    finally:
        moving.stop()
