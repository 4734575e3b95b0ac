#!/usr/bin/env python3
"""Compares critest's JSON reports with the ledger of specs that are known not to pass.

usage: compare.py [--partial] ENGINE RUNTIME LEDGER REPORTS

The ledger is about dockershimd; the figures of other runtimes are only printed. Its lines are
ENGINE<TAB>SPEC<TAB>STATE<TAB>REASON, where ENGINE may be * for all; STATE is "cannot" for what no
runtime can pass here, "todo" for what we do not do yet. A spec that critest skips because the
runtime does not claim a feature belongs there too; only what this host lacks needs no line.
--partial: not all specs were asked for.
"""

import json
import os
import sys

STATES = ("cannot", "todo")


def read_ledger(path, engine):
    known = {}
    with open(path) as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            fields = line.split("\t")
            if len(fields) != 4 or fields[2] not in STATES or not fields[3]:
                sys.exit(f"{path}:{number}: not ENGINE<TAB>SPEC<TAB>STATE<TAB>REASON")
            if fields[0] in (engine, "*"):
                known[fields[1]] = fields[3]
    return known


def spec_name(spec):
    return " ".join([*spec["ContainerHierarchyTexts"], spec["LeafNodeText"]])


def read_specs(reports):
    """(name, state, message) of each spec that was asked for."""
    for kind in ("default", "websocket"):
        path = os.path.join(reports, kind + ".json")
        if not os.path.exists(path):
            if kind == "default":
                sys.exit(f"critest left no report; see {reports}/default.log")
            continue
        with open(path) as file:
            suites = json.load(file)
        for suite in suites:
            for spec in suite["SpecReports"] or []:
                message = spec.get("Failure", {}).get("Message", "")
                if spec["LeafNodeType"] != "It":
                    if spec["State"] not in ("passed", "skipped"):
                        sys.exit(f"critest's {spec['LeafNodeType']} failed: {message}")
                    continue
                # Filtered out (benchmarks, or by a focus): critest gives no reason then.
                if spec["State"] == "pending" or (spec["State"] == "skipped" and not message):
                    continue
                prefix = "[websocket] " if kind == "websocket" else ""
                yield prefix + spec_name(spec), spec["State"], message


def indented(text):
    return "\n".join("      " + line for line in text.strip().splitlines()[:12])


def main():
    arguments = sys.argv[1:]
    partial = arguments[:1] == ["--partial"]
    if partial:
        arguments = arguments[1:]
    engine, runtime, ledger_path, reports = arguments
    known = read_ledger(ledger_path, engine) if runtime == "dockershimd" else {}

    passed, failed, skipped, not_here = {}, {}, {}, {}
    for name, state, message in read_specs(reports):
        if state == "skipped" and "disabled on this host" in message:
            not_here[name] = message
        else:
            {"passed": passed, "skipped": skipped}.get(state, failed)[name] = message
    not_passed = {**failed, **skipped}

    judged = runtime == "dockershimd"
    unexpected = [name for name in not_passed if name not in known]
    in_ledger = [name for name in not_passed if name in known]
    now_passing = [name for name in known if name in passed]
    unknown = [] if partial else [
        name for name in known if name not in {**passed, **not_passed, **not_here}]

    for name in sorted(not_here):
        print(f"  skipped: {name}\n{indented(not_here[name])}")
    for name in sorted(in_ledger):
        print(f"  in the ledger: {name}\n      {known[name]}")
    for name in sorted(unexpected):
        print(f"  {'FAILED' if name in failed else 'SKIPPED'}: {name}\n{indented(not_passed[name])}")
    for name in sorted(now_passing):
        print(f"  PASSES: {name}\n      delete its line from {ledger_path}")
    for name in sorted(unknown):
        print(f"  NO SUCH SPEC: {name}\n      correct its line in {ledger_path}")

    title = f"conformance {engine} {runtime}"

    def count(names, websocket):
        return sum(name.startswith("[websocket]") == websocket for name in names)

    everything = {**passed, **not_passed}
    print(f"{title}: {count(passed, False)} of the {count(everything, False)} specs that can run here"
          f" pass; over WebSocket {count(passed, True)} of {count(everything, True)}")
    print(f"{title}: {len(passed)} passed, {len(failed)} failed, "
          f"{len(skipped) + len(not_here)} skipped ({len(in_ledger)} in the ledger)")
    with open(os.environ.get("DSD_TEST_TOTALS") or os.path.join(reports, "totals"), "w") as file:
        print(len(passed), len(unexpected) + len(now_passing) + len(unknown),
              len(in_ledger) + len(not_here), file=file)
    return 1 if judged and (unexpected or now_passing or unknown) else 0


if __name__ == "__main__":
    sys.exit(main())
