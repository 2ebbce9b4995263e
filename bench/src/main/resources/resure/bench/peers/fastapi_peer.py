"""What a Python programmer would write instead of the service: FastAPI and NumPy, one process.

The weights of the service's default configuration, of a body as the service takes it. A batch is weighed against all
batches before it and folded at once. All is in memory: nothing is kept, nothing is known of steps, ranks and keys.

Usage: fastapi_peer.py PORT
"""

import sys
from typing import List, Optional

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

WARM_UP = 32
SLOTS = 64
MAX_LOSS = 100.0
FLOOR = 0.05
CAP = 3.0


class Dialogue(BaseModel):
    id: str
    source: Optional[str] = None
    losses: List[Optional[float]]


class Batch(BaseModel):
    step: Optional[int] = None
    rank: int = 0
    dialogues: List[Dialogue]


class Run:
    """Welford's statistics of every turn."""

    def __init__(self) -> None:
        self.n = np.zeros(SLOTS)
        self.mean = np.zeros(SLOTS)
        self.m2 = np.zeros(SLOTS)

    def score(self, losses: np.ndarray, turns: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            sd = np.sqrt(self.m2 / (self.n - 1))
            ready = (self.n >= WARM_UP) & (sd > 1e-6 * np.maximum(1.0, np.abs(self.mean)))
            mean = np.where(ready, self.mean, np.inf)[turns]
            weights = np.where(losses > mean, np.maximum(FLOOR, np.where(mean > 0, mean / losses, 0.0)), 1.0)
            usable = np.abs(losses) <= MAX_LOSS
            caps = np.where(ready, self.mean + CAP * sd, np.inf)[turns]
        weights[~usable] = 0.0
        self.fold(np.minimum(losses, caps)[usable], turns[usable])
        return weights

    def fold(self, losses: np.ndarray, turns: np.ndarray) -> None:
        n = np.bincount(turns, minlength=SLOTS).astype(float)
        mean = np.bincount(turns, losses, SLOTS) / np.maximum(n, 1.0)
        m2 = np.bincount(turns, np.square(losses - mean[turns]), SLOTS)
        total = np.maximum(self.n + n, 1.0)
        distance = np.where(n > 0, mean - self.mean, 0.0)
        self.mean += distance * n / total
        self.m2 += m2 + np.square(distance) * self.n * n / total
        self.n += n


app = FastAPI()
runs = {}


@app.post("/v1/runs/{run}/observations")
async def observations(run: str, batch: Batch):
    state = runs.setdefault(run, Run())
    rows = [dialogue.losses for dialogue in batch.dialogues]
    losses = np.array([np.nan if loss is None else loss for row in rows for loss in row])
    turns = np.array([min(turn, SLOTS - 1) for row in rows for turn in range(len(row))], dtype=int)
    weights = iter(state.score(losses, turns).tolist())
    return {"weights": [[None if x is None else w for x, w in zip(row, weights)] for row in rows]}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
