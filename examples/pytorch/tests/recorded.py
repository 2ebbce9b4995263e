"""Runs an example as it is, and writes down each batch with the weights that the trainer got.

    python3 recorded.py RECORD EXAMPLE ANNOUNCED WAITING,... [arguments of the example]

Rank 0 says so when it comes to the step ANNOUNCED, and goes on; at each step of WAITING it waits for a line, too.
"""
import importlib
import json
import sys

from scripted import HERE  # noqa: F401, it puts the examples on the path

from resure import Run

record, example, announced, waiting, *arguments = sys.argv[1:]
announced, waiting = int(announced), [int(step) for step in waiting.split(",")]
lines = open(record, "w", encoding="utf-8")
weigh = Run.weigh


def weigh_and_record(run, step, dialogues, micro_batch=0):
    if run.rank == 0 and micro_batch == 0 and step in (announced, *waiting):
        print("at step", step, flush=True)
        if step in waiting:
            sys.stdin.readline()
    weights = weigh(run, step, dialogues, micro_batch)
    rows = [(dialogue["id"], turn, loss, weight) for dialogue, row in zip(dialogues, weights)
            for turn, (loss, weight) in enumerate(zip(dialogue["losses"], row)) if loss is not None]
    batch = {"batch": [step, run.rank, micro_batch], "dialogues": dialogues, "weights": weights, "rows": rows}
    print(json.dumps(batch), file=lines, flush=True)
    return weights


Run.weigh = weigh_and_record
sys.argv = [example, *arguments]
importlib.import_module(example).main()
