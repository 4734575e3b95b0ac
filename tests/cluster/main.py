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


def main():
    report = scenarios.Report("cluster", sys.argv[5:])
    cluster = Cluster(*sys.argv[1:5])
    try:
        cluster.start()
        for scenario in streams.ALL:
            report.run(scenario, cluster)
        report.run_together(workloads.ALL + logs.ALL, 5, cluster)
        for scenario in operations.ALL:
            report.run(scenario, cluster)
    finally:
        cluster.stop()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
