"""A node as an admin has it: kubelet, cri-dockerd and dockershimd as units, their files where the
procedures look for them."""

import json
import os
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
REPO = os.path.dirname(TESTS)
sys.path[:0] = [os.path.join(TESTS, "kubelet"), os.path.join(TESTS, "support")]

import node  # noqa: E402
from standalone import StandaloneKubelet  # noqa: E402

OLD_ENDPOINT = "unix:///run/cri-dockerd.sock"
NEW_ENDPOINT = "unix:///run/dockershimd.sock"
KUBELET_CONFIG = "/var/lib/kubelet/config.yaml"
KUBEADM_FLAGS = "/var/lib/kubelet/kubeadm-flags.env"
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


class Kubelet(StandaloneKubelet):
    """As a unit; its runtime is said in the file of kubeadm's flags, or in its configuration."""

    def __init__(self, endpoint, in_flags):
        super().__init__(os.environ["DSD_TEST_KUBELET"])
        config = {key: value for key, value in self.configuration.items()
                  if key != "containerRuntimeEndpoint"}
        flags = ""
        if in_flags:
            flags = f"--container-runtime-endpoint={endpoint}"
            write(KUBEADM_FLAGS, f'KUBELET_KUBEADM_ARGS="{flags} --max-pods=100"\n')
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


def procedure(name, *options, status=0):
    """Runs one of deploy/node; returns what it printed."""
    done = subprocess.run([os.path.join(REPO, "deploy/node", name), "--yes", "--settle", "5", *options],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, flush=True)
    assert done.returncode == status, f"{name} ended with {done.returncode}, not {status}"
    return done.stdout
