"""Runs a function in several processes that are joined by gloo, and brings back what each returns."""
import os
import socket

import torch
from torch import distributed, multiprocessing


def started(rank, function, ranks, port, results, arguments):
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(ranks), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    results[rank] = function(*arguments)
    distributed.barrier()
    distributed.destroy_process_group()


def on_ranks(ranks, function, *arguments):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with multiprocessing.Manager() as manager:
        results = manager.dict()
        multiprocessing.spawn(started, (function, ranks, port, results, arguments), nprocs=ranks)
        return [results[rank] for rank in range(ranks)]
