#!/usr/bin/env python3
"""A node goes from cri-dockerd to dockershimd and back while its pods run."""

import glob
import os

import units
from units import node

PODS = 20
TICKING = ["sh", "-c", "trap 'exit 0' TERM; n=0; while true; do n=$((n+1)); echo tick $n; sleep 0.3; done"]
CHECKPOINTS = "/var/lib/cri-dockerd/sandbox"


def add_pods(kubelet):
    """Twenty pods of all sorts."""
    kubelet.add("web", [{"image": node.NGINX,
                         "readinessProbe": {"httpGet": {"path": "/", "port": 80}, **node.EACH_SECOND},
                         "livenessProbe": {"exec": {"command": ["true"]}, **node.EACH_SECOND},
                         "ports": [{"containerPort": 80, "hostPort": 8080},
                                   {"containerPort": 53, "hostPort": 5353, "protocol": "UDP",
                                    "hostIP": "127.0.0.1"}]}])
    kubelet.add("host", [{"command": TICKING}], hostNetwork=True)
    kubelet.add("pair", [{"name": "main", "command": TICKING}, {"name": "second", "command": TICKING}],
                shareProcessNamespace=True, volumes=[{"name": "data", "emptyDir": {}}],
                initContainers=[{"name": "first", "image": node.BUSYBOX, "command": ["true"]}])
    for number in range(PODS - 3):
        kubelet.add(f"tick-{number}", [{"command": TICKING}])
    node.wait_for("all pods are Ready", 180, lambda: all_ready(kubelet))


def all_ready(kubelet):
    pods = kubelet.pods()
    return len(pods) >= PODS and all(node.is_ready(pod) for pod in pods.values())


def is_gone(kubelet, name):
    """For kubelet, and none of its containers runs any more."""
    return f"{name}-{node.NODE_NAME}" not in kubelet.pods() and not containers_of(name)


def containers_of(name, *options):
    return node.run("docker", "ps", "-q", "--no-trunc", *options, "--filter",
                    f"label=io.kubernetes.pod.name={name}-{node.NODE_NAME}").split()


def seen(kubelet):
    """What must stay as it is: addresses, container ids, restarts, start times."""
    pods = {}
    for name, pod in kubelet.pods().items():
        status = pod["status"]
        pods[name] = (status.get("podIP"), [
            (one["name"], one["containerID"], one["restartCount"], one["state"])
            for one in status["containerStatuses"]])
    return pods


def docker_sees():
    """Every container that runs, with its uptime."""
    ids = node.run("docker", "ps", "-q", "--no-trunc").split()
    return sorted(node.run("docker", "inspect", "--format",
                           "{{.Id}} {{.State.Status}} {{.State.StartedAt}} {{.RestartCount}}",
                           *ids).splitlines())


def log_of(kubelet, pod, container="main"):
    return kubelet.get(f"/containerLogs/tests/{pod}-{node.NODE_NAME}/{container}")


def is_logged_on(kubelet, pod):
    """kubelet shows lines that come now."""
    before = len(log_of(kubelet, pod).splitlines())
    node.wait_for(f"the log of {pod} grows", 20,
                  lambda: len(log_of(kubelet, pod).splitlines()) > before + 2)


def web_answers():
    page = node.wait_for("the host port answers", 20, lambda: node.opener.open(
        f"http://{node.NODE_ADDRESS}:8080/", timeout=2).read())
    assert b"nginx" in page


def unchanged(kubelet, before, docker_before):
    node.wait_for("all pods are Ready", 60, lambda: all_ready(kubelet))
    assert docker_sees() == docker_before, "Docker's containers are not the same"
    after = seen(kubelet)
    different = {name: (before[name], after.get(name)) for name in before
                 if after.get(name) != before[name]}
    assert not different, f"pods changed: {different}"
    for pod in ("tick-0", "host", "pair"):
        is_logged_on(kubelet, pod)
    web_answers()


def whole_state():
    """What a failed or dry run must not have changed."""
    files = {path: units.read(path) for path in
             (units.KUBELET_CONFIG, units.KUBEADM_FLAGS, units.DAEMON_CONFIG) if os.path.exists(path)}
    states = {unit: units.active(unit) for unit in
              ("kubelet.service", "cri-docker.service", "cri-docker.socket", "dockershimd.service",
               "dockershimd.socket")}
    enabled = sorted(glob.glob("/etc/systemd/system/*.wants/*"))
    links = {path: os.readlink(path) if os.path.islink(path) else "a file"
             for path in glob.glob("/var/log/pods/*/*/*")
             if "/first/" not in path}  # kubelet tidies up after init containers
    record = glob.glob("/var/lib/dockershimd/node/*")
    return files, states, enabled, links, record


def dry_run(kubelet):
    """--dry-run changes nothing, and says all that would be."""
    before, docker_before, state = seen(kubelet), docker_sees(), whole_state()
    said = units.procedure("adopt", "--dry-run")
    for words in ("stop kubelet.service", "stop cri-docker.service", "start dockershimd.service",
                  "would change", "start kubelet.service"):
        assert words in said, f"not said: {words}"
    assert whole_state() == state
    unchanged(kubelet, before, docker_before)


def failures_are_undone(kubelet):
    """Whatever step fails, the node is as it was."""
    before, docker_before, state = seen(kubelet), docker_sees(), whole_state()
    for step in ("stop kubelet.service", "stop cri-docker.socket", "disable cri-docker.service",
                 "start dockershimd.service", "start kubelet.service once"):
        print(f"-- fails: {step}", flush=True)
        with units.failing(step):
            said = units.procedure("adopt", status=1)
        assert "the node is as it was before" in said
        assert whole_state() == state, f"after '{step}': {whole_state()} is not {state}"
        node.wait_for("kubelet answers", 60, lambda: kubelet.pods() is not None)
    unchanged(kubelet, before, docker_before)


def adopt(kubelet):
    """cri-dockerd to dockershimd: every pod goes on as it was."""
    before, docker_before = seen(kubelet), docker_sees()
    assert len(before) == PODS
    units.procedure("adopt")
    assert units.active("dockershimd.service") and not units.active("cri-docker.service")
    unchanged(kubelet, before, docker_before)
    said = units.procedure("adopt")
    assert "already" in said
    unchanged(kubelet, before, docker_before)


def life_goes_on(kubelet):
    """Adopted pods restart, end, and new ones start, under dockershimd."""
    container = kubelet.status("tick-1")["containerID"].removeprefix("docker://")
    node.run("docker", "kill", container)
    node.wait_for("tick-1 was restarted", 60, lambda: kubelet.status("tick-1")["restartCount"] == 1
                  and "running" in kubelet.status("tick-1")["state"])
    is_logged_on(kubelet, "tick-1")
    # The namespace of this pod ends with its pause process, unless it is kept.
    sandbox, = containers_of("tick-3", "--filter", "label=io.kubernetes.docker.type=podsandbox")
    node.run("docker", "kill", sandbox)
    kubelet.add("newer", [{"image": node.NGINX, "ports": [{"containerPort": 80, "hostPort": 8081}]}])
    kubelet.remove("tick-2")
    node.wait_for("newer is Ready", 60, lambda: kubelet.is_ready("newer"))
    node.wait_for("tick-2 is gone", 60, lambda: is_gone(kubelet, "tick-2"))
    kubelet.add("later", [{"command": TICKING}])
    node.wait_for("later is Ready", 60, lambda: kubelet.is_ready("later"))
    node.wait_for("tick-3 has a new sandbox", 60, lambda: len(containers_of("tick-3")) == 2
                  and sandbox not in containers_of("tick-3") and kubelet.is_ready("tick-3"))


def back(kubelet):
    """dockershimd to cri-dockerd: every pod goes on as it was, those made meanwhile too."""
    before, docker_before = seen(kubelet), docker_sees()
    units.procedure("adopt", "--back")
    assert units.active("cri-docker.service") and not units.active("dockershimd.service")
    unchanged(kubelet, before, docker_before)
    for pod in ("tick-1", "later"):
        is_logged_on(kubelet, pod)
    # cri-dockerd throws away checkpoints that it finds wrong.
    node.wait_for("each sandbox has its checkpoint", 20, lambda: sorted(os.listdir(CHECKPOINTS)) ==
                  sorted(node.run("docker", "ps", "-aq", "--no-trunc", "--filter",
                                  "label=io.kubernetes.docker.type=podsandbox").split()))
    log = units.read(os.path.join(node.LOGS, "cri-docker.service.log"))
    assert "corrupt" not in log
    said = units.procedure("adopt", "--back")
    assert "already" in said


def same_checkpoints(kubelet):
    """Our checkpoints are cri-dockerd's own, byte for byte."""
    written = {name: units.read(os.path.join(CHECKPOINTS, name)) for name in os.listdir(CHECKPOINTS)}
    # Under CNI Docker knows of no host ports: only cri-dockerd's own file does, which stays.
    for name in written:
        os.unlink(os.path.join(CHECKPOINTS, name))
    units.systemctl("stop", "kubelet.service")
    units.systemctl("stop", "cri-docker.service")
    node.run(units.BINARY, "hand-back")
    again = {name: units.read(os.path.join(CHECKPOINTS, name)) for name in os.listdir(CHECKPOINTS)}
    web = node.run("docker", "ps", "-q", "--no-trunc", "--filter", "name=k8s_POD_web").strip()
    for name, text in written.items():
        print(text)
        if name == web:
            units.write(os.path.join(CHECKPOINTS, name), text)
        else:
            assert again[name] == text, f"{again[name]} is not {text}"
    units.systemctl("start", "cri-docker.service")
    kubelet.start()


def nothing_left(kubelet):
    """Pods handed back, and pods that a playbook adopts, end without a trace."""
    # Kubelet knows them again: those that it has never seen it kills while cri-dockerd takes their
    # network down, which leaves a firewall rule there.
    node.wait_for("all pods are Ready", 60, lambda: all_ready(kubelet))
    half = ("web", "host", "later", "newer")
    for name in half:
        kubelet.remove(name)
    node.wait_for("they are gone", 120, lambda: all(is_gone(kubelet, name) for name in half))
    # The package starts the daemon: with settings that are not yet those of cri-dockerd.
    units.systemctl("start", "dockershimd.service")
    first = units.read("/run/test-systemd/active/dockershimd.service")
    assert units.playbook("adopt", dockershimd_settings={"log_level": "trace"}) > 0
    assert units.read("/run/test-systemd/active/dockershimd.service") != first
    assert 'log_level = "trace"\n' in units.read(units.DAEMON_CONFIG)
    assert units.playbook("adopt", dockershimd_settings={"log_level": "trace"}) == 0
    kubelet.remove_all()
    with units.crictl(units.NEW_ENDPOINT):
        node.wait_for("nothing is left", 180, node.nothing_left)


SCENARIOS = (dry_run, failures_are_undone, adopt, life_goes_on, back, same_checkpoints, nothing_left)


def rehearse(report):
    """Runs the scenarios up to the first that fails: each needs those before it."""
    units.install_cri_dockerd()
    units.install_dockershimd()
    kubelet = units.Kubelet(os.environ["DSD_TEST_KUBELET"])
    kubelet.install(units.OLD_ENDPOINT, in_flags=node.ENGINE == "20.10")
    units.systemctl("enable", "--now", "cri-docker.socket", "cri-docker.service")
    kubelet.start()
    try:
        add_pods(kubelet)
        all(report.run(scenario, kubelet) for scenario in SCENARIOS)
    finally:
        kubelet.stop()
