#!/usr/bin/env python3
"""Does weighting by the service help, against what, and where does it not? README.md says what this does and found.

    python3 examples/evidence/evidence.py --dialogues PATH [--service URL] [--results DIR] [--short]
"""
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before torch is imported: processes side by side are faster than threads here

import argparse

import plan
import runner


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", default=os.environ.get("RESURE_DIALOGUES"), help="a file of dialogues (default: RESURE_DIALOGUES)")
    parser.add_argument("--service", default="http://127.0.0.1:8080")
    parser.add_argument("--results", default="evidence-results", help="a file for each run; what is there is not run again")
    parser.add_argument("--cache", default=".evidence-cache", help="base models")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=plan.EPOCHS)
    parser.add_argument("--pretraining-epochs", type=int, default=plan.PRETRAINING_EPOCHS)
    parser.add_argument("--only", metavar="SCENARIO:ARM,ARM:SEED-SEED", action="append", help="these runs and no others")
    chosen = parser.parse_args()
    if not chosen.dialogues:
        parser.error("no dialogues: --dialogues or RESURE_DIALOGUES")
    return chosen


def tasks(text):
    scenario, arms, seeds = text.split(":")
    first, last = map(int, seeds.split("-"))
    return [(scenario, arm, seed) for seed in range(first, last + 1) for arm in arms.split(",")]


def main():
    chosen = options()
    if chosen.only:
        runner.run_all(chosen, [task for text in chosen.only for task in tasks(text)], "runs")


if __name__ == "__main__":
    main()
