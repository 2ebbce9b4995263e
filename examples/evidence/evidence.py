#!/usr/bin/env python3
"""Does weighting by the service help, against what, and where does it not? README.md says what this does.

python3 examples/evidence/evidence.py --dialogues PATH [--service URL] [--results DIR] [--short]
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before torch is imported: processes side by side are faster than threads here

import argparse
import json
import sys
import time

import choice
import plan
import plots
import report
import runner
import screening


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--dialogues", default=os.environ.get("RESURE_DIALOGUES"), help="a file of dialogues (or RESURE_DIALOGUES)"
    )
    parser.add_argument("--service", default="http://127.0.0.1:8080")
    parser.add_argument(
        "--results", default="evidence-results", help="a file for each run; what is there is not run again"
    )
    parser.add_argument("--cache", default=".evidence-cache", help="base models")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--short", action="store_true", help="fewer arms and seeds")
    parser.add_argument("--table", action="store_true", help="run nothing, write the table and plots of what is there")
    parser.add_argument(
        "--trace", metavar="FILE", help="write the trace of the mixed sources (after their uniform run), and no more"
    )
    parser.add_argument(
        "--only", metavar="SCENARIO:ARM,ARM:SEED-SEED", action="append", help="these runs and no others"
    )
    chosen = parser.parse_args()
    if not chosen.dialogues:
        parser.error("no dialogues: --dialogues or RESURE_DIALOGUES")
    return chosen


def tasks(text):
    scenario, arms, seeds = text.split(":")
    first, last = map(int, seeds.split("-"))
    return [(scenario, arm, seed) for seed in range(first, last + 1) for arm in arms.split(",")]


def screen(place):
    """The screening's rows: those of a file, or made now by replays, for which its runs must be in the service."""
    file = place.results / "screening.json"
    if not file.exists():
        seeds = screening.SEEDS[:1] if place.options.short else screening.SEEDS
        runner.run_all(place, [(screening.SCENARIO, "uniform", seed) for seed in seeds], "recorded", in_service=True)
        print("replays of the recorded losses", file=sys.stderr)
        rows = screening.screen(place, seeds)
        file.write_text(json.dumps(rows))
    return json.loads(file.read_text())


def write(place, screened):
    results = choice.Results(place)
    (place.results / "table.md").write_text(report.table(results, screened, place.options.short), encoding="utf-8")
    print(f"written: {place.results / 'table.md'}")
    try:
        for name in plots.draw(results, place.results):
            print(f"written: {place.results / name}")
    except ImportError as error:
        print(f"no plots: {error}; the table is complete without them", file=sys.stderr)


def main():
    began = time.time()
    place = runner.Workplace(options())
    if place.options.trace:
        print(f"{runner.write_trace(place, place.options.trace):,} observations")
        return
    if place.options.only:
        runner.run_all(place, [task for text in place.options.only for task in tasks(text)], "runs")
        return
    file = place.results / "screening.json"
    if place.options.table:
        screened = json.loads(file.read_text()) if file.exists() else None
    else:
        screened = screen(place)
        for stage, of_stage in plan.stages(place.options.short).items():
            runner.run_all(place, of_stage, stage)
    write(place, screened)
    print(f"{(time.time() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
