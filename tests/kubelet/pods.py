#!/usr/bin/env python3
"""Static pods on a real kubelet: they start, restart, survive a killed runtime, and leave nothing.

usage (inside with-engine): pods.py KUBELET [SCENARIO...]
"""

import glob
import gzip
import os
import re
import sys
import time

import node
import scenarios
import standalone

PROBES = {
    "readinessProbe": {"httpGet": {"path": "/", "port": 80}, **node.EACH_SECOND},
    "livenessProbe": {"exec": {"command": ["cat", "/etc/nginx/nginx.conf"]}, **node.EACH_SECOND},
}

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d) (?P<stream>stdout|stderr) F (?P<text>.*)\n")


def start_web(kubelet):
    """The pod that several scenarios need; it starts once."""
    kubelet.add("web", [{"image": node.NGINX, **PROBES,
                         "ports": [{"containerPort": 80, "hostPort": 8080}]}])
    node.wait_for("web is Ready", 60, lambda: kubelet.is_ready("web"))


def probes(kubelet):
    """A pod with an HTTP readiness probe and an exec liveness probe becomes and stays Ready."""
    start_web(kubelet)
    time.sleep(5)  # some rounds of both probes
    assert kubelet.is_ready("web"), "no longer Ready"
    assert kubelet.status("web")["restartCount"] == 0, "was restarted"


def host_port(kubelet):
    """A host port answers on the node's address."""
    start_web(kubelet)
    page = node.wait_for("the host port answers", 10, lambda: node.opener.open(
        f"http://{node.NODE_ADDRESS}:8080/", timeout=2).read())
    assert b"nginx" in page


def logs_and_exec(kubelet):
    """kubelet serves a container's log, and runs a command in it."""
    kubelet.add("talker", [{"command": ["sh", "-c", "echo to-stdout; echo to-stderr >&2; sleep 1000"]}])
    node.wait_for("talker runs", 60, lambda: "running" in kubelet.status("talker")["state"])
    name = f"talker-{node.NODE_NAME}"
    log = node.wait_for("both lines are in the log", 10, lambda: (
        lambda text: text if "to-stdout" in text and "to-stderr" in text else None)(
            kubelet.get(f"/containerLogs/tests/{name}/main")))
    assert sorted(log.split()) == ["to-stderr", "to-stdout"], log
    path = glob.glob(f"/var/log/pods/tests_{name}_*/main/0.log")
    assert path, "no log file in the pod's log folder"
    with open(path[0]) as file:
        for line in file:
            match = LOG_LINE.fullmatch(line)
            assert match and match["text"] == "to-" + match["stream"], line
    output = kubelet.post(f"/run/tests/{name}/main?cmd=hostname")
    assert output.strip() == name, output


def log_rotation(kubelet):
    """A log that is followed through kubelet shows each line once while kubelet rotates and compresses it."""
    lines = 40000
    # Some 6 MiB in 10 seconds: several rotations at 1 MiB, none faster than kubelet's reader.
    kubelet.add("writer", [{"command": ["sh", "-c", (
        f"awk 'BEGIN {{ for (i = 1; i <= {lines}; i++) {{ printf \"%06d %0150d\\n\", i, 0;"
        " if (i % 1000 == 0) system(\"sleep 0.25\") } }'; echo end; trap 'exit 0' TERM;"
        " sleep 1000000 & wait")]}])
    node.wait_for("writer runs", 60, lambda: "running" in kubelet.status("writer")["state"])
    numbers = []
    with kubelet.open(f"/containerLogs/tests/writer-{node.NODE_NAME}/main?follow=true", 120) as log:
        for line in log:
            if line == b"end\n":
                break
            assert len(line) == 158, line
            numbers.append(int(line[:6]))
    missing = sorted(set(range(1, lines + 1)) - set(numbers))
    assert not missing, f"{len(missing)} lines are missing, from {missing[0]}"
    assert numbers == list(range(1, lines + 1)), "lines are doubled or out of order"
    folder = glob.glob(f"/var/log/pods/tests_writer-{node.NODE_NAME}_*/main")[0]
    # The newest but one is compressed at the next rotation.
    compressed = node.wait_for("rotated logs are compressed", 60, lambda: glob.glob(f"{folder}/0.log.*.gz"))
    for name in compressed:
        with gzip.open(name, "rt") as file:
            assert all(LOG_LINE.fullmatch(line) for line in file), f"{name} is no CRI log"
    return f"{len(glob.glob(folder + '/0.log.*'))} rotated files kept"


def restarts(kubelet):
    """Containers that end are restarted, with their exit code and reason in the status."""
    kubelet.add("exits-7", [{"command": ["sh", "-c", "sleep 1; exit 7"]}])
    kubelet.add("completes", [{"command": ["true"]}], restartPolicy="OnFailure")
    kubelet.add("grows", [{"command": ["sh", "-c", "x=a; while true; do x=$x$x; done"],
                           "resources": {"limits": {"memory": "24Mi"}}}])
    kubelet.add("unwell", [{"command": node.FOREVER, "livenessProbe": {
        "exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}}])

    def last_end(name):
        status = kubelet.status(name)
        assert status["restartCount"] >= 1, "not restarted yet"
        return status["lastState"]["terminated"]

    end = node.wait_for("exits-7 is restarted", 60, lambda: last_end("exits-7"))
    assert (end["exitCode"], end["reason"]) == (7, "Error"), end
    assert end["containerID"] and end["startedAt"] < end["finishedAt"], end
    end = node.wait_for("grows is restarted", 60, lambda: last_end("grows"))
    assert (end["exitCode"], end["reason"]) == (137, "OOMKilled"), end
    end = node.wait_for("unwell is restarted", 60, lambda: last_end("unwell"))
    assert (end["exitCode"], end["reason"]) == (0, "Completed"), end
    node.wait_for("completes has Succeeded", 60,
                  lambda: kubelet.pod("completes")["status"]["phase"] == "Succeeded")
    end = kubelet.status("completes")["state"]["terminated"]
    assert (end["exitCode"], end["reason"]) == (0, "Completed"), end


def init_and_sidecar(kubelet):
    """Init containers run in order and share a volume; two containers share network and hostname."""
    mount = [{"name": "shared", "mountPath": "/shared"}]
    kubelet.add("team", [
        {"image": node.NGINX, **PROBES},
        {"name": "side", "volumeMounts": mount, "command": [
            "sh", "-c", "test \"$(cat /shared/steps)\" = '1 2' && exec sleep 1000"],
         "readinessProbe": {"exec": {"command": ["wget", "-q", "-O", "-", "http://127.0.0.1/"]},
                            **node.EACH_SECOND}},
    ], volumes=[{"name": "shared", "emptyDir": {}}], initContainers=[
        {"name": "first", "image": node.BUSYBOX, "volumeMounts": mount,
         "command": ["sh", "-c", "echo -n '1 ' >>/shared/steps"]},
        {"name": "second", "image": node.BUSYBOX, "volumeMounts": mount,
         "command": ["sh", "-c", "echo -n 2 >>/shared/steps"]},
    ])
    node.wait_for("team is Ready", 60, lambda: kubelet.is_ready("team"))


def killed_runtime(kubelet):
    """The runtime is killed again and again while pods start: all of them start all the same."""
    start_web(kubelet)
    names = []
    # kubelet acts on a manifest at once: each delay meets another moment, while a sandbox, its
    # network, or a container is being made.
    for wave, delay in enumerate((0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)):
        for number in range(2):
            names.append(f"crowd-{wave}-{number}")
            kubelet.add(names[-1], [{"command": node.FOREVER}])
        time.sleep(delay)
        node.runtime("kill")
        node.runtime("start")
    node.wait_for("all of the crowd is Ready", 120, lambda: all(kubelet.is_ready(n) for n in names))
    web = kubelet.pod("web")
    restarts = [container["restartCount"] for container in web["status"]["containerStatuses"]]
    assert node.is_ready(web) and restarts == [0], \
        f"a pod that ran before did not come through: {web['status']}"


def restarted_runtime(kubelet):
    """Containers outlive a clean restart of the runtime."""
    start_web(kubelet)
    before = kubelet.status("web")["containerID"]
    node.runtime("stop")
    assert node.opener.open(f"http://{node.NODE_ADDRESS}:8080/", timeout=2).read()
    node.runtime("start")
    time.sleep(3)
    node.wait_for("web is Ready", 30, lambda: kubelet.is_ready("web"))
    assert kubelet.status("web")["containerID"] == before
    assert kubelet.status("web")["restartCount"] == 0


def nothing_left(kubelet):
    """Without their manifests, nothing of the pods is left on the node."""
    kubelet.remove_all()

    # Kubelet collects dead containers once a minute.
    node.wait_for("nothing is left of the pods", 180, node.nothing_left)


SCENARIOS = [probes, host_port, logs_and_exec, log_rotation, restarts, init_and_sidecar, restarted_runtime,
             killed_runtime, nothing_left]


def main():
    report = scenarios.Report("kubelet", sys.argv[2:])
    kubelet = standalone.StandaloneKubelet(sys.argv[1])
    kubelet.start()
    for scenario in SCENARIOS:
        report.run(scenario, kubelet)
    kubelet.stop()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
