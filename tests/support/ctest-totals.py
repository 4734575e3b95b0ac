#!/usr/bin/env python3
"""Prints "passed failed skipped" of a ctest run: the cases of gtest programs that left a report,
one for every other program.

usage: ctest-totals.py FOLDER      (with ctest.junit and the gtest programs' *.xml)
"""

import glob
import os
import sys
import xml.etree.ElementTree as ElementTree


def gtest_cases(path):
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            yield "failed"
        elif case.get("result") in ("skipped", "suppressed") or case.find("skipped") is not None:
            yield "skipped"
        else:
            yield "passed"


def main():
    folder = sys.argv[1]
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    reports = {os.path.basename(path)[:-4]: path for path in glob.glob(os.path.join(folder, "*.xml"))}
    for program in ElementTree.parse(os.path.join(folder, "ctest.junit")).iter("testcase"):
        verdict = {"run": "passed", "fail": "failed"}.get(program.get("status"), "skipped")
        report = reports.get(program.get("name"))
        cases = list(gtest_cases(report)) if report else []
        for case in cases:
            counts[case] += 1
        # A crash, a sanitizer's finding at exit or a time-out is in no gtest report.
        if not cases or (verdict == "failed" and "failed" not in cases):
            counts[verdict] += 1
    print(counts["passed"], counts["failed"], counts["skipped"])


if __name__ == "__main__":
    main()
