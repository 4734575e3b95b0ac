"""What happens to a node with pods on it: they roll out, and its parts restart under them. These
scenarios have the node for themselves."""

import os
import signal
import threading
import time

import node
from cluster import container, deployment, pod, shell
from workloads import evicted


def available(cluster, space, name):
    status = cluster.get(f"/apis/apps/v1/namespaces/{space.name}/deployments/{name}")["status"]
    return status.get("availableReplicas", 0)


def rolled_out(space, name):
    space.kubectl("rollout", "status", f"deployment/{name}", "--timeout", "280s", timeout=300)


def rollout(cluster):
    """A deployment of 80 pods becomes available, and goes away."""
    space = cluster.namespace("rollout")
    start = time.monotonic()
    space.apply(deployment("crowd", 80))
    rolled_out(space, "crowd")
    up = time.monotonic() - start
    addresses = {item["status"]["podIP"] for item in space.pods(app="crowd")}
    assert len(addresses) == 80, f"{len(addresses)} addresses"
    start = time.monotonic()
    space.kubectl("delete", "deployment", "crowd", "--cascade=foreground", timeout=300)
    node.wait_for("the pods are gone", 120, lambda: not space.pods(app="crowd"))
    down = time.monotonic() - start
    space.delete()
    return f"80 pods up in {up:.1f} s, gone in {down:.1f} s"


def rolling_update(cluster):
    """A rolling update replaces every pod without ever having fewer than it may; undo goes back."""
    space = cluster.namespace("rolling-update")
    web = shell("trap 'exit 0' TERM; mkdir /www; echo $VERSION >/www/index.html; httpd -f -p 80 -h /www & wait",
                env=[{"name": "VERSION", "value": "1"}],
                readinessProbe={"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1,
                                "timeoutSeconds": 30})
    space.apply(deployment("web", 12, web, strategy={
        "type": "RollingUpdate", "rollingUpdate": {"maxSurge": 4, "maxUnavailable": 2}}))
    rolled_out(space, "web")
    least, done = [12], threading.Event()

    def watch():
        while not done.wait(0.1):
            least.append(available(cluster, space, "web"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        space.kubectl("set", "env", "deployment/web", "VERSION=2")
        rolled_out(space, "web")
    finally:
        done.set()
        watcher.join()
    assert min(least) >= 10, f"only {min(least)} were available"

    def versions():
        return {item["spec"]["containers"][0]["env"][0]["value"] for item in space.pods(app="web")
                if "deletionTimestamp" not in item["metadata"]}

    assert versions() == {"2"}, versions()
    name = next(item["metadata"]["name"] for item in space.pods(app="web")
                if "deletionTimestamp" not in item["metadata"])
    assert space.exec(name, "wget", "-q", "-O", "-", "http://127.0.0.1/") == "2\n"
    space.kubectl("rollout", "undo", "deployment/web")
    rolled_out(space, "web")
    assert versions() == {"1"}, versions()
    space.delete()
    return f"never fewer than {min(least)} of 12"


class Steady:
    """Pods that must come through what happens to the node: the same containers, not restarted."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.space = cluster.namespace(name)
        self.space.apply(deployment("steady", 5), pod("counter", shell(
            "trap 'exit 0' TERM; i=0; while true; do i=$((i + 1)); echo $i; sleep 0.1; done")))
        self.space.ready("counter")
        rolled_out(self.space, "steady")
        self.before = self.state()

    def state(self):
        """(container id, restarts, address) by pod."""
        return {item["metadata"]["name"]: (item["status"]["containerStatuses"][0]["containerID"],
                                           item["status"]["containerStatuses"][0]["restartCount"],
                                           item["status"]["podIP"])
                for item in self.space.pods()}

    def check(self):
        """All are as they were and usable, no line of output is lost, and new pods start."""
        node.wait_for("the node is Ready", 60, lambda: node.is_ready(self.cluster.node()))
        self.space.start(pod("new"))
        assert self.space.exec("new", "hostname") == "new\n"
        self.space.kubectl("delete", "pod", "new")
        for name in self.before:
            assert self.space.exec(name, "echo", "alive") == "alive\n"
            self.space.ready(name)
        assert self.state() == self.before, (self.before, self.state())
        numbers = [int(line) for line in self.space.kubectl("logs", "counter").split()]
        assert numbers == list(range(1, len(numbers) + 1)), "lines of the log are missing or doubled"

    def delete(self):
        self.space.delete()


def daemon_restart(cluster):
    """Pods live on, the same ones, when the runtime is stopped and started, and when it is killed."""
    steady = Steady(cluster, "daemon-restart")
    node.runtime("stop")
    time.sleep(1)
    node.runtime("start")
    steady.check()
    node.runtime("kill")
    node.runtime("start")
    steady.check()
    steady.delete()


def engine_restart(cluster):
    """With live-restore pods live on, the same ones, when dockerd restarts, also after a kill."""
    steady = Steady(cluster, "engine-restart")
    for how in ("stop", "kill"):
        node.engine(how)
        assert node.wait_for("the runtime says that the engine is gone", 30, lambda: any(
            line.strip() == "RuntimeReady=false" for line in runtime_conditions()))
        node.engine("start", "--live-restore")
        steady.check()
    steady.delete()


def runtime_conditions():
    """TYPE=STATUS of the runtime's conditions."""
    return node.run("crictl", "info", "-o", "go-template", "--template",
                    "{{range .status.conditions}}{{.type}}={{.status}}\n{{end}}").splitlines()


def kubelet_restart(cluster):
    """Pods live on, the same ones, when the kubelet restarts."""
    steady = Steady(cluster, "kubelet-restart")
    cluster.kubelet.stop()
    cluster.kubelet.start()
    steady.check()
    steady.delete()


def evented_pleg(cluster):
    """With EventedPLEG, and stats from the runtime, a kubelet knows of ends at once; pods come and go."""
    cluster.kubelet.stop()
    cluster.kubelet.start(featureGates={"EventedPLEG": True, "PodAndContainerStatsFromCRI": True})
    try:
        return run_on_events(cluster)
    finally:
        try:
            cluster.kubelet.stop()
        finally:
            cluster.kubelet.start()


def run_on_events(cluster):
    space = cluster.namespace("evented-pleg")
    space.start(pod("short", shell("trap 'exit 9' TERM; sleep 1000000 & wait"), restartPolicy="Never"),
                pod("long"))
    # From outside: what runs in the container may be killed with its first process before it has ended.
    short = space.status("short")["containerID"].removeprefix("docker://")
    os.kill(int(node.run("crictl", "inspect", "-o", "go-template", "--template", "{{.info.pid}}", short)),
            signal.SIGTERM)
    start = time.monotonic()
    end = node.wait_for("its end is in its status", 30,
                        lambda: space.status("short")["state"].get("terminated"))
    delay = time.monotonic() - start
    assert end["exitCode"] == 9, end
    assert "evented_pleg_connection_success_count" in cluster.kubelet.get("/metrics")

    def stats():
        summary = cluster.get(f"/api/v1/nodes/{node.NODE_NAME}/proxy/stats/summary")
        return next(item for item in summary["pods"] if item["podRef"]["name"] == "long")

    # While pods without a network come and go: their stats are asked for too.
    space.apply(deployment("several", 10))
    rolled_out(space, "several")
    shown = stats()
    assert shown["network"]["name"] == "eth0" and shown["containers"][0]["memory"]["workingSetBytes"], shown
    space.kubectl("scale", "deployment/several", "--replicas=0")
    space.kubectl("delete", "pod", "short", "long", "--wait=false")
    while space.pods():
        cluster.get(f"/api/v1/nodes/{node.NODE_NAME}/proxy/stats/summary")
        assert time.monotonic() - start < 150, f"still there: {[item['metadata']['name'] for item in space.pods()]}"
        time.sleep(0.2)
    space.delete()
    return f"an end is in the pod's status after {delay:.2f} s"


def drain(cluster):
    """A drain empties the node within the disruption budget; after uncordon the pods come back."""
    space = cluster.namespace("drain")
    template = pod("agent")
    space.apply(
        deployment("web", 6, container(), terminationGracePeriodSeconds=1),
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
         "spec": {"maxUnavailable": "100%", "selector": {"matchLabels": {"app": "web"}}}},
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"},
         "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": {
             "metadata": {"labels": {"app": "agent"}}, "spec": template["spec"]}}})
    rolled_out(space, "web")
    space.kubectl("rollout", "status", "daemonset/agent", "--timeout", "120s")
    agent = space.pods(app="agent")[0]["status"]["containerStatuses"][0]["containerID"]
    space.kubectl("drain", node.NODE_NAME, "--ignore-daemonsets", "--force", "--delete-emptydir-data",
                  "--timeout", "120s")
    on_node = [item["metadata"]["name"] for item in space.pods(app="web") if item["spec"].get("nodeName")]
    assert not on_node, f"still on the node: {on_node}"
    space.kubectl("uncordon", node.NODE_NAME)
    rolled_out(space, "web")
    assert agent == space.pods(app="agent")[0]["status"]["containerStatuses"][0]["containerID"]
    space.delete()


def disk_pressure(cluster):
    """Short of disk space, the kubelet removes unused images, keeps used ones, and evicts a pod."""
    space = cluster.namespace("disk-pressure")
    unused = "gcr.io/k8s-staging-cri-tools/test-image-1:latest"
    space.start(pod("victim", shell("trap 'exit 1' TERM; sleep 1000000 & wait")), pod("critical", container(
        image=node.NGINX, command=["nginx", "-g", "daemon off;"]), priorityClassName="system-node-critical"))
    node.run("crictl", "pull", unused)
    cluster.kubelet.stop()
    cluster.kubelet.start(evictionHard={"memory.available": "1Mi", "nodefs.available": "99.9%",
                                        "imagefs.available": "0%"})

    def condition():
        return next(item["status"] for item in cluster.node()["status"]["conditions"]
                    if item["type"] == "DiskPressure")

    node.wait_for("the node has DiskPressure", 60, lambda: condition() == "True")
    node.wait_for("the unused image is gone", 60, lambda: unused not in node.run("docker", "images"))
    evicted(space, "victim")
    cluster.kubelet.stop()
    cluster.kubelet.start()
    node.wait_for("the pressure is over", 60, lambda: condition() == "False")
    assert node.NGINX in node.run("crictl", "images", "-o", "json"), "a used image was removed"
    assert node.is_ready(space.pod("critical")) and space.status("critical")["restartCount"] == 0
    space.delete()


def nothing_left(cluster):
    """Without their namespaces, nothing of the pods is left on the node."""
    cluster.kubectl("delete", "namespace", "--selector", "kubernetes.io/metadata.name notin "
                    "(default,kube-system,kube-public,kube-node-lease)", timeout=200)
    # Kubelet collects dead containers once a minute.
    node.wait_for("nothing is left of the pods", 180, node.nothing_left)


ALL = [rollout, rolling_update, daemon_restart, engine_restart, kubelet_restart, evented_pleg, drain,
       disk_pressure, nothing_left]
