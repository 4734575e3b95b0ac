"""A standalone kubelet in the environment that with-engine opened, and what a pod may leave there."""

import glob
import json
import os
import signal
import ssl
import subprocess
import time
import urllib.request

STATE = os.environ["DSD_TEST_STATE"]
LOGS = os.environ["DSD_TEST_LOGS"]
SUPPORT = os.environ["DSD_TEST_SUPPORT"]
ENGINE = os.environ["DSD_TEST_ENGINE"]
NODE_ADDRESS = os.environ["DSD_TEST_NODE_ADDRESS"]
NODE_NAME = "dockershimd-test"
BUSYBOX = os.environ["DSD_TEST_IMAGE_BUSYBOX"]
NGINX = os.environ["DSD_TEST_IMAGE_NGINX"]

opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({}),
    urllib.request.HTTPSHandler(context=ssl._create_unverified_context()))


def wait_for(what, seconds, check):
    """Returns check()'s first true value; check may raise while it is not yet true."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = check()
            if value:
                return value
            last = value
        except Exception as error:  # whatever stands in the way, the deadline decides
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds} s: {what} (last: {last!r})")
        time.sleep(0.2)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Kubelet:
    def __init__(self, binary):
        self.binary = binary
        self.manifests = os.path.join(STATE, "manifests")
        os.makedirs(self.manifests, exist_ok=True)
        self.process = None

    def config(self):
        return {
            "kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "staticPodPath": self.manifests, "fileCheckFrequency": "1s", "syncFrequency": "10s",
            "containerRuntimeEndpoint": os.environ["DSD_TEST_CRI_ENDPOINT"],
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "address": "127.0.0.1", "port": 10250, "readOnlyPort": 10255,
            "cgroupDriver": "cgroupfs", "failCgroupV1": False, "failSwapOn": False,
            "enforceNodeAllocatable": ["none"], "localStorageCapacityIsolation": False,
            "evictionHard": {"memory.available": "1Mi", "nodefs.available": "0%",
                             "imagefs.available": "0%"},
            "oomScoreAdj": 0, "containerLogMaxSize": "1Mi", "podLogsDir": "/var/log/pods",
        }

    def command(self, config):
        """The command line, with the configuration file's path."""
        return [self.binary, "--config", config, "--root-dir", os.path.join(STATE, "kubelet"),
                "--cert-dir", os.path.join(STATE, "kubelet-certificates"),
                "--hostname-override", NODE_NAME, "--node-ip", NODE_ADDRESS, "--v=2"]

    def start(self):
        config = os.path.join(STATE, "kubelet.json")
        with open(config, "w") as file:
            json.dump(self.config(), file)
        with open(os.path.join(LOGS, "kubelet.log"), "a") as log:
            self.process = subprocess.Popen(self.command(config), stdout=log, stderr=log)
        wait_for("kubelet answers", 60, self.pods_answer)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def pods_answer(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"kubelet exited with {self.process.returncode}")
        self.pods()
        return True

    def get(self, path):
        return opener.open(f"https://127.0.0.1:10250{path}", timeout=20).read().decode()

    def post(self, path):
        request = urllib.request.Request(f"https://127.0.0.1:10250{path}", method="POST")
        return opener.open(request, timeout=20).read().decode()

    def pods(self):
        reply = opener.open("http://127.0.0.1:10255/pods", timeout=5).read()
        return {pod["metadata"]["name"].removesuffix("-" + NODE_NAME): pod
                for pod in json.loads(reply).get("items") or []}

    def pod(self, name):
        return self.pods()[name]

    def status(self, name, container="main"):
        statuses = self.pod(name)["status"]["containerStatuses"]
        return next(status for status in statuses if status["name"] == container)

    def is_ready(self, name):
        return any(condition["type"] == "Ready" and condition["status"] == "True"
                   for condition in self.pod(name)["status"].get("conditions", []))

    def add(self, name, containers, **spec):
        for container in containers:
            container.setdefault("name", "main")
            container.setdefault("image", BUSYBOX)
        pod = {"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": name, "namespace": "tests", "labels": {"app": name}},
               "spec": {"terminationGracePeriodSeconds": 1, **spec, "containers": containers}}
        path = os.path.join(self.manifests, name + ".json")
        # Kubelet ignores names with a leading dot: it never sees half a manifest.
        hidden = os.path.join(self.manifests, f".{name}.json")
        with open(hidden, "w") as file:
            json.dump(pod, file)
        os.rename(hidden, path)

    def remove(self, name):
        os.unlink(os.path.join(self.manifests, name + ".json"))

    def remove_all(self):
        for path in glob.glob(os.path.join(self.manifests, "*.json")):
            os.unlink(path)


def runtime(*arguments):
    subprocess.run([os.path.join(SUPPORT, "runtime"), *arguments], check=True)


def network_namespaces():
    """Those of processes and those that mounts keep alive, besides the node's own."""
    own = os.stat("/proc/self/ns/net").st_ino
    found = {int(number) for number in run("lsns", "-t", "net", "-n", "-o", "NS").split()}
    with open("/proc/self/mountinfo") as file:
        mounts = [line.split()[4] for line in file if " - nsfs " in line]
    for mount in mounts:
        try:
            found.add(os.stat(mount).st_ino)
        except OSError:
            pass  # unmounted meanwhile
    return sorted(found - {own})


def leftovers():
    """Everything that pods bring to a node, by kind. Empty kinds are left out."""
    found = {
        "sandboxes": run("crictl", "pods", "-q").split(),
        "containers": run("crictl", "ps", "-a", "-q").split(),
        "network namespaces": network_namespaces(),
        "veth devices": [line.split(":")[1].strip() for line in
                         run("ip", "-o", "link", "show", "type", "veth").splitlines()],
        "leases": [path for path in glob.glob(os.environ["DSD_TEST_CNI_LEASES"] + "/*/*")
                   if os.path.basename(path)[0].isdigit()],
        "CNI results": [path for folder in (os.environ["DSD_TEST_CNI_CACHE_DIR"], "/var/lib/cni")
                        for path in glob.glob(folder + "/results/*")],
        "iptables rules": [line for line in run("iptables-save").splitlines()
                           if line.startswith("-A") and ("10.244." in line or "CNI-DN-" in line
                                                         or "CNI-" in line and "id:" in line)],
        "pod cgroups": [path for path in glob.glob("/sys/fs/cgroup/*/kubepods/*/pod*")],
        "log folders": glob.glob("/var/log/pods/*"),
    }
    if ENGINE != "none":
        found["engine's containers"] = run("docker", "ps", "-aq").split()
    return {kind: names for kind, names in found.items() if names}
