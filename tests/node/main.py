#!/usr/bin/env python3
"""The procedures of deploy/node on a node with pods.

usage (inside with-engine): main.py adopt|migrate [SCENARIO...]
"""

import sys

import adopt
import migrate
from scenarios import Report


def main():
    procedures = {"adopt": adopt, "migrate": migrate}[sys.argv[1]]
    report = Report(f"node {sys.argv[1]}", sys.argv[2:])
    procedures.rehearse(report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
