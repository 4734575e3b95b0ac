"""The node in the environment that with-engine opened: its kubelet, its daemons, and what pods may
leave on it."""

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
RUNTIME = os.environ["DSD_TEST_RUNTIME"]
NODE_ADDRESS = os.environ["DSD_TEST_NODE_ADDRESS"]
NODE_NAME = "dockershimd-test"
BUSYBOX = os.environ["DSD_TEST_IMAGE_BUSYBOX"]
NGINX = os.environ["DSD_TEST_IMAGE_NGINX"]
# Ends at once when it is asked to, unlike a bare sleep as the first process.
FOREVER = ["sh", "-c", "trap 'exit 0' TERM; sleep 1000000 & wait"]
# When a probe is made. Under kubelet's own limit of a second, a busy machine is enough for a
# restart: while many pods start, three commands in a row have taken longer.
EACH_SECOND = {"periodSeconds": 1, "timeoutSeconds": 10}

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


class Daemon:
    """A program that runs until it is stopped, with its output in a log."""

    def __init__(self, name, *command):
        self.name = name
        self.command = command
        self.process = None

    def start(self, answers):
        """Starts it and waits until answers() is true."""
        with open(os.path.join(LOGS, self.name + ".log"), "a") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)

        wait_for(f"{self.name} answers", 120,
                 lambda: self.process.poll() is not None or answers())
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} exited with {self.process.returncode}, see its log")

    def stop(self):
        """RuntimeError if it has ended by itself before."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is not None:
            raise RuntimeError(f"{self.name} had exited with {process.returncode}, see its log")
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Kubelet:
    """A kubelet on the runtime of the environment, standalone unless it is told of a cluster."""

    def __init__(self, binary, *flags, **configuration):
        self.daemon = Daemon("kubelet", binary, "--config", os.path.join(STATE, "kubelet.json"),
                             "--root-dir", os.path.join(STATE, "kubelet"),
                             "--cert-dir", os.path.join(STATE, "kubelet-certificates"),
                             "--hostname-override", NODE_NAME, "--node-ip", NODE_ADDRESS, "--v=2",
                             *flags)
        self.configuration = {
            "kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "syncFrequency": "10s", "containerRuntimeEndpoint": os.environ["DSD_TEST_CRI_ENDPOINT"],
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "address": "0.0.0.0", "port": 10250, "readOnlyPort": 10255,
            "cgroupDriver": "cgroupfs", "failCgroupV1": False, "failSwapOn": False,
            "enforceNodeAllocatable": ["none"], "localStorageCapacityIsolation": False,
            "evictionHard": {"memory.available": "1Mi", "nodefs.available": "0%",
                             "imagefs.available": "0%"},
            "oomScoreAdj": 0, "containerLogMaxSize": "1Mi", "podLogsDir": "/var/log/pods",
            **configuration}

    def start(self, **configuration):
        """Starts it, for this time with these changes to its configuration."""
        with open(os.path.join(STATE, "kubelet.json"), "w") as file:
            json.dump({**self.configuration, **configuration}, file)
        self.daemon.start(lambda: self.get("/healthz") == "ok")

    def stop(self):
        self.daemon.stop()

    def open(self, path, timeout=20):
        """The reply, to be read while it comes; `timeout` is that of each wait, in seconds."""
        return opener.open(f"https://127.0.0.1:10250{path}", timeout=timeout)

    def get(self, path):
        return self.open(path).read().decode()

    def post(self, path):
        request = urllib.request.Request(f"https://127.0.0.1:10250{path}", method="POST")
        return opener.open(request, timeout=20).read().decode()

    def pods(self):
        """The pods as the API server has them, or would have them, by name."""
        reply = opener.open("http://127.0.0.1:10255/pods", timeout=5).read()
        return {pod["metadata"]["name"]: pod for pod in json.loads(reply).get("items") or []}


def runtime(*arguments):
    subprocess.run([os.path.join(SUPPORT, "runtime"), *arguments], check=True)


def engine(*arguments):
    subprocess.run([os.path.join(SUPPORT, "engine"), *arguments], check=True)


def is_ready(pod):
    return any(condition["type"] == "Ready" and condition["status"] == "True"
               for condition in pod["status"].get("conditions", []))


def network_namespaces():
    """Those of processes and those that mounts keep alive, besides the node's own."""
    own = os.stat("/proc/self/ns/net").st_ino
    found = {int(number) for number in run("lsns", "-t", "net", "-n", "-o", "NS").split()}
    for point, kind in mounts():
        if kind != "nsfs":
            continue
        try:
            found.add(os.stat(point).st_ino)
        except OSError:
            pass  # unmounted meanwhile
    return sorted(found - {own})


def mounts():
    """(mount point, file system) of every mount of the node."""
    with open("/proc/self/mountinfo") as file:
        fields = [line.split() for line in file]
    return [(line[4], line[line.index("-") + 1]) for line in fields]


def pod_mounts():
    """Mounts that were not there yet when a test imported this, besides those of the node's own
    network, which engines keep for good once a container has used it."""
    own = os.stat("/proc/self/ns/net").st_ino
    return [(point, kind) for point, kind in sorted(set(mounts()) - MOUNTS_BEFORE)
            if not (kind == "nsfs" and os.path.exists(point) and os.stat(point).st_ino == own)]


MOUNTS_BEFORE = set(mounts())


def pod_processes():
    """Processes in cgroups of pods, and the engine's minders of containers."""
    found = []
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            with open(folder + "/cgroup") as file:
                in_pod = "/kubepods" in file.read()
            with open(folder + "/cmdline") as file:
                command = file.read().replace("\0", " ").strip()
        except OSError:
            continue  # ended meanwhile
        if in_pod or os.path.basename(command.split(" ")[0]).startswith("containerd-shim"):
            found.append(f"{os.path.basename(folder)}: {command}")
    return found


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
        "mounts": pod_mounts(),
        "processes": pod_processes(),
    }
    if ENGINE != "none":
        found["engine's containers"] = run("docker", "ps", "-aq").split()
    return {kind: names for kind, names in found.items() if names}


def nothing_left():
    left = leftovers()
    assert not left, left
    return True
