#!/usr/bin/env python3
"""Data-parallel training over two processes (gloo), with gradient accumulation and packed sequences.

    python3 train_parallel.py --address http://127.0.0.1:8080 --run parallel --steps 200
    torchrun --nproc_per_node 2 train_parallel.py ...          # the same

All ranks post to one run: no all-reduce of statistics, and the same weights, bit for bit, as one process that posts
all of it. Every rank names the same attempt, and no rank is a step ahead, since the backward pass keeps them together.
"""
import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import uuid

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from resure import Run
from train import LanguageModel, batch, synthetic_dialogues, token_losses, tokens_and_turns
from turns import broken, on_any_rank, report, weigh_turns, weighted_sum

MICRO_BATCHES, DIALOGUES, LENGTH = 2, 12, 160


def packed(dialogues):
    """Several dialogues a row: inputs, next tokens, the turns of those, and the dialogues of those."""
    packs = [([], [], [])]
    for number, dialogue in enumerate(dialogues):
        tokens, turns = tokens_and_turns(dialogue)
        if len(packs[-1][0]) + len(tokens) > LENGTH:
            packs.append(([], [], []))
        # No token is predicted from another dialogue's: the first one of each is without supervision anyway.
        for column, values in zip(packs[-1], (tokens, turns, [number] * len(tokens))):
            column += values
    tokens, turns, rows = (torch.tensor([pack[column] + [fill] * (LENGTH - len(pack[column])) for pack in packs])
                           for column, fill in enumerate((0, -1, 0)))
    return tokens[:, :-1], tokens[:, 1:], turns[:, 1:], rows[:, 1:]


def train(options):
    rank, ranks = distributed.get_rank(), distributed.get_world_size()
    attempt = [uuid.uuid4().hex]
    distributed.broadcast_object_list(attempt)
    run = Run(options.address, options.run, rank=rank, attempt=attempt[0], mode=options.mode, deadline=options.deadline)
    run.rewind(0)  # from every rank: the first one does it

    torch.manual_seed(1)
    dialogues = list(synthetic_dialogues())
    model = DistributedDataParallel(LanguageModel())
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(options.steps):
        mine = batch(dialogues, step, ranks * MICRO_BATCHES * DIALOGUES)[rank::ranks]
        micro_batches = [mine[i::MICRO_BATCHES] for i in range(MICRO_BATCHES)]
        tensors = [packed(chosen) for chosen in micro_batches]
        items = sum((turns >= 0).sum() for _, _, turns, _ in tensors)
        distributed.all_reduce(items)  # of the whole step: a local denominator would weigh the ranks by their lengths
        optimizer.zero_grad()
        nan = False
        for micro_batch, (chosen, (inputs, labels, turns, rows)) in enumerate(zip(micro_batches, tensors)):
            last = micro_batch + 1 == MICRO_BATCHES
            with contextlib.nullcontext() if last else model.no_sync():
                losses = token_losses(model, inputs, labels)
                posted = [{"id": dialogue["id"], "source": dialogue["source"]} for dialogue in chosen]
                weights = weigh_turns(run, step, losses, turns, posted, micro_batch, rows)
                nan |= broken(losses, turns)
                # DistributedDataParallel takes the mean over the ranks, and the sum is wanted.
                (weighted_sum(losses, turns, weights, rows) * ranks / items).backward()
        if not on_any_rank(nan):
            optimizer.step()
        if (step + 1) % 50 == 0:
            print(json.dumps({"step": step + 1, "rank": rank, **report(run)}), flush=True)
    run.close()
    distributed.barrier()  # before the run is finished, all have delivered
    if rank == 0:
        Run(options.address, options.run, attempt=attempt[0]).close(finish=True)
    print("rank", rank, "fallbacks:", sum(n for name, n in run.counts.items() if name.startswith("fallback")),
          dict(run.counts), flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="http://127.0.0.1:8080")
    parser.add_argument("--run", default="parallel")
    parser.add_argument("--mode", default="remote", choices=["remote", "local"])
    parser.add_argument("--deadline", type=float, default=1.0, help="seconds that a micro-batch waits for its weights")
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args(arguments)
    if "RANK" in os.environ:
        distributed.init_process_group("gloo")
        train(options)
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    places = [{**os.environ, "RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
              for rank in range(2)]
    ranks = [subprocess.Popen([sys.executable, *sys.argv], env=place) for place in places]
    sys.exit(max(abs(rank.wait()) for rank in ranks))


if __name__ == "__main__":
    main()
