#!/usr/bin/env python3
"""A whole cluster of one node, driven by kubectl.

usage (inside with-engine): main.py CONTROL_PLANE KUBELET SPDY_KUBECTL METRICS_SERVER [SCENARIO...]
"""

import sys

import logs
import operations
import scenarios
import streams
import workloads
from cluster import Cluster


def start(cluster):
    """etcd, the control plane and the kubelet start, and the node is Ready."""
    cluster.start()


def stop(cluster):
    """None of them has ended by itself."""
    cluster.stop()


def main():
    wanted = sys.argv[5:]
    report = scenarios.Report("cluster", wanted and ["start", *wanted, "stop"])
    cluster = Cluster(*sys.argv[1:5])
    if report.run(start, cluster):
        for scenario in streams.ALL:
            report.run(scenario, cluster)
        report.run_together(workloads.ALL + logs.ALL, 5, cluster)
        for scenario in operations.ALL:
            report.run(scenario, cluster)
    report.run(stop, cluster)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
