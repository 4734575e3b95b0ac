"""Runs the scenarios of a suite, says how each went, and reports: totals, JUnit, JSON."""

import concurrent.futures
import json
import os
import sys
import time
import traceback
import xml.etree.ElementTree as xml

import node


class Report:
    def __init__(self, suite, wanted):
        """wanted: names of the scenarios to run; empty for all."""
        self.suite = suite
        self.wanted = wanted
        self.results = []
        self.began = time.monotonic()

    def run(self, scenario, *arguments):
        """Runs one, unless it is not wanted; false if it failed. What it returns, if a text, is a figure
        worth showing."""
        name = scenario.__name__
        if self.wanted and name not in self.wanted:
            return True
        start = time.monotonic()
        figure, failure, reason = None, "", ""
        try:
            figure = scenario(*arguments)
        except AssertionError as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            failure = f"{where.name}:{where.lineno}: {error or where.line}"
            reason = failure.splitlines()[0]
        except Exception:
            failure = traceback.format_exc().rstrip()
            reason = failure.splitlines()[-1]
        seconds = time.monotonic() - start
        # tests/run shows only the lines that say FAILED: the reason belongs there.
        line = f"{'FAILED' if failure else 'ok    '} {name} ({seconds:.1f} s): {reason or scenario.__doc__}"
        if "\n" in failure:
            line = "  " + failure.replace("\n", "\n  ") + "\n" + line
        elif isinstance(figure, str):
            line += f" [{figure}]"
        # One write: scenarios may run side by side.
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        self.results.append({"name": name, "seconds": round(seconds, 1), "failure": failure,
                             "figure": figure if isinstance(figure, str) else ""})
        return not failure

    def run_together(self, scenarios, at_once, *arguments):
        """Runs scenarios that do not disturb each other side by side."""
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            for task in [pool.submit(self.run, scenario, *arguments) for scenario in scenarios]:
                task.result()

    def finish(self):
        """Prints the summary, writes the reports, returns the exit status."""
        failed = sum(1 for result in self.results if result["failure"])
        passed = len(self.results) - failed
        seconds = time.monotonic() - self.began
        print(f"{self.suite} on {node.ENGINE} {node.RUNTIME}: {passed} passed, {failed} failed "
              f"in {seconds:.0f} s")
        with open(os.environ.get("DSD_TEST_TOTALS") or os.path.join(node.LOGS, "totals"), "w") as file:
            print(passed, failed, 0, file=file)
        with open(os.path.join(node.LOGS, "report.json"), "w") as file:
            json.dump({"suite": self.suite, "engine": node.ENGINE, "runtime": node.RUNTIME,
                       "seconds": round(seconds, 1), "scenarios": self.results}, file, indent=1)
        self.write_junit()
        return 1 if failed or not self.results else 0

    def write_junit(self):
        failed = sum(1 for result in self.results if result["failure"])
        suite = xml.Element("testsuite", name=f"{self.suite} {node.ENGINE} {node.RUNTIME}",
                            tests=str(len(self.results)), failures=str(failed))
        for result in self.results:
            case = xml.SubElement(suite, "testcase", name=result["name"], classname=self.suite,
                                  time=str(result["seconds"]))
            if result["failure"]:
                xml.SubElement(case, "failure", message=result["failure"].splitlines()[-1]).text = \
                    result["failure"]
            if result["figure"]:
                xml.SubElement(case, "system-out").text = result["figure"]
        xml.ElementTree(suite).write(os.path.join(node.LOGS, "junit.xml"), encoding="utf-8",
                                     xml_declaration=True)
