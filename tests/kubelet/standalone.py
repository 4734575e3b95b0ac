"""A kubelet without an API server: its pods are manifests in a folder."""

import glob
import json
import os

import node


class StandaloneKubelet(node.Kubelet):
    def __init__(self, binary):
        self.manifests = os.path.join(node.STATE, "manifests")
        os.makedirs(self.manifests, exist_ok=True)
        super().__init__(binary, staticPodPath=self.manifests, fileCheckFrequency="1s",
                         containerLogMonitorInterval="3s")

    def pod(self, name):
        return self.pods()[f"{name}-{node.NODE_NAME}"]

    def status(self, name, container="main"):
        statuses = self.pod(name)["status"]["containerStatuses"]
        return next(status for status in statuses if status["name"] == container)

    def is_ready(self, name):
        return node.is_ready(self.pod(name))

    def add(self, name, containers, **spec):
        for container in containers:
            container.setdefault("name", "main")
            container.setdefault("image", node.BUSYBOX)
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
