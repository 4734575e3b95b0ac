"""A node as an admin has it: kubelet, cri-dockerd and dockershimd as units, their files where the
procedures look for them."""

import contextlib
import json
import os
import re
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
REPO = os.path.dirname(TESTS)
sys.path[:0] = [os.path.join(TESTS, name) for name in ("kubelet", "cluster", "support")]

import node  # noqa: E402
from standalone import StandaloneKubelet  # noqa: E402

OLD_ENDPOINT = "unix:///run/cri-dockerd.sock"
NEW_ENDPOINT = "unix:///run/dockershimd.sock"
CONTAINERD_ENDPOINT = "unix:///run/containerd/containerd.sock"
KUBELET_CONFIG = "/var/lib/kubelet/config.yaml"
KUBEADM_FLAGS = "/var/lib/kubelet/kubeadm-flags.env"
SETTLE = ["--settle", "3"]
DAEMON_CONFIG = "/etc/dockershimd/config.toml"
BINARY = os.environ.get("DSD_TEST_BINARY", os.path.join(REPO, "build/release/dockershimd"))


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read()


def systemctl(*words):
    return subprocess.run(["systemctl", *words], check=True)


def active(unit):
    return subprocess.run(["systemctl", "is-active", "--quiet", unit]).returncode == 0


@contextlib.contextmanager
def crictl(endpoint):
    """crictl asks that runtime."""
    names = ("CONTAINER_RUNTIME_ENDPOINT", "IMAGE_SERVICE_ENDPOINT")
    before = {name: os.environ[name] for name in names}
    os.environ.update(dict.fromkeys(names, endpoint))
    try:
        yield
    finally:
        os.environ.update(before)


class UnitKubelet:
    """Mixed into a kubelet of the tests, makes it one that systemd starts."""

    def install(self, endpoint, in_flags):
        """Its runtime is said in the file of kubeadm's flags, or in its configuration."""
        config = {key: value for key, value in self.configuration.items()
                  if key != "containerRuntimeEndpoint"}
        if in_flags:
            write(KUBEADM_FLAGS, "KUBELET_KUBEADM_ARGS="
                  f'"--container-runtime-endpoint={endpoint} --max-pods=100"\n')
        else:
            config["containerRuntimeEndpoint"] = endpoint
        # One key a line is YAML as well as JSON's values are.
        write(KUBELET_CONFIG, "".join(f"{key}: {json.dumps(value)}\n"
                                      for key, value in config.items()))
        own_config = os.path.join(node.STATE, "kubelet.json")
        command = [KUBELET_CONFIG if word == own_config else word for word in self.daemon.command]
        write("/etc/systemd/system/kubelet.service",
              "[Service]\nEnvironmentFile=-" + KUBEADM_FLAGS + "\n"
              f"ExecStart={' '.join(command)} $KUBELET_KUBEADM_ARGS\n"
              "[Install]\nWantedBy=multi-user.target\n")

    def start(self):
        systemctl("enable", "--now", "kubelet.service")
        node.wait_for("kubelet answers", 90, lambda: self.pods() is not None)

    def stop(self):
        systemctl("stop", "kubelet.service")


class Kubelet(UnitKubelet, StandaloneKubelet):
    """Without a cluster."""


class ClusterKubelet(UnitKubelet, node.Kubelet):
    """Of a node in a cluster."""


def install_cri_dockerd():
    write("/etc/systemd/system/cri-docker.service",
          "[Unit]\nDescription=CRI Interface for Docker Application Container Engine\n"
          "[Service]\nType=notify\n"
          f"ExecStart={os.environ['DSD_TEST_CRI_DOCKERD']} --container-runtime-endpoint {OLD_ENDPOINT}"
          f" --pod-infra-container-image {os.environ['DSD_TEST_IMAGE_PAUSE']}"
          f" --cni-bin-dir {os.environ['DSD_TEST_CNI_BIN_DIR']}\n"
          "[Install]\nWantedBy=multi-user.target\n")
    write("/etc/systemd/system/cri-docker.socket",
          "[Socket]\nListenStream=/run/cri-dockerd.sock\n[Install]\nWantedBy=sockets.target\n")


def install_dockershimd():
    for unit in ("dockershimd.service", "dockershimd.socket"):
        write(f"/etc/systemd/system/{unit}", read(os.path.join(REPO, "deploy/systemd", unit)))
    write("/etc/systemd/system/dockershimd.service.d/binary.conf",
          f"[Service]\nExecStart=\nExecStart={BINARY} --log-level debug\n")
    write(DAEMON_CONFIG, read(os.path.join(REPO, "deploy/config.toml")))
    os.environ["PATH"] = os.path.dirname(BINARY) + ":" + os.environ["PATH"]


def install_containerd():
    done = subprocess.run(["runtime", "containerd-config"], check=True, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "DSD_TEST_CRI_ENDPOINT": CONTAINERD_ENDPOINT})
    path = os.environ["DSD_TEST_CONTAINERD_PATH"] + ":" + os.environ["PATH"]
    os.makedirs("/run/containerd", exist_ok=True)
    write("/etc/systemd/system/containerd.service",
          f"[Service]\nType=notify\nEnvironment=PATH={path}\n"
          f"ExecStart={path.split(':')[1]}/containerd --config {done.stdout.strip()}\n"
          "[Install]\nWantedBy=multi-user.target\n")


@contextlib.contextmanager
def failing(step):
    """A call of systemctl fails, see there."""
    write("/run/test-systemd/fail", step + "\n")
    try:
        yield
    finally:
        os.unlink("/run/test-systemd/fail")


def procedure(name, *options, status=0):
    """Runs one of deploy/node; returns what it printed."""
    # One that is killed leaves its copies of files.
    done = subprocess.run([os.path.join(REPO, "deploy/node", name), "--yes", *SETTLE, *options],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "TMPDIR": node.STATE})
    print(done.stdout, flush=True)
    assert done.returncode == status, f"{name} ended with {done.returncode}, not {status}"
    return done.stdout


def playbook(procedure, *options, **variables):
    """Runs the playbook on this node, which is its own control plane; returns how many tasks changed
    something."""
    inventory = os.path.join(node.STATE, "inventory.ini")
    write(inventory, f"[kube_node]\n{node.NODE_NAME} ansible_connection=local "
          "ansible_python_interpreter=/usr/bin/python3\n")
    variables = {"dockershimd_procedure": procedure, "dockershimd_options": SETTLE,
                 "dockershimd_scripts": os.path.join(REPO, "deploy/node"), **variables}
    done = subprocess.run(["ansible-playbook", "-i", inventory, "-e", json.dumps(variables), *options,
                           os.path.join(REPO, "deploy/ansible/dockershimd.yml")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "ANSIBLE_NOCOLOR": "1", "HOME": node.STATE})
    print(done.stdout, flush=True)
    assert done.returncode == 0, f"the playbook ended with {done.returncode}"
    return int(re.search(r"changed=(\d+)", done.stdout)[1])
