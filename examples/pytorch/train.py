#!/usr/bin/env python3
"""A plain PyTorch loop that weighs the turns of its dialogues through the service; it resumes from its checkpoint.

    python3 train.py --address http://127.0.0.1:8080 --run plain --steps 300 --checkpoint plain.pt
    python3 train.py --address http://127.0.0.1:8080 --run plain --steps 600 --checkpoint plain.pt --resume

The dialogues are made here: replies that continue their question's count, but in one of the two sources some are
noise. With --dialogues, a file of JSON lines {"id", "source", "turns": [[question, reply], ...]} of texts is taken.
"""
import argparse
import json
import random
import uuid

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from resure import Run
from turns import broken, report, weigh_turns, weighted_sum

VOCABULARY = 256


def synthetic_dialogues(count=400, seed=11):
    """Dialogues of 1 to 5 turns, as token ids; a third of the replies of the source `noisy` is random."""
    rng = random.Random(seed)
    for number in range(count):
        source, turns = rng.choice(["clean", "noisy"]), []
        for _ in range(rng.randint(1, 5)):
            start, by = rng.randrange(1, VOCABULARY), rng.choice([1, 2, 3])
            reply = [(start + by * i) % VOCABULARY for i in range(2, 10)]
            if source == "noisy" and rng.random() < 1 / 3:
                reply = [rng.randrange(VOCABULARY) for _ in reply]
            turns.append([[start, (start + by) % VOCABULARY], reply])
        yield {"id": f"d-{number}", "source": source, "turns": turns}


def read_dialogues(path):
    """Dialogues of a file; its texts as bytes, a reply ended by 0."""
    with open(path, encoding="utf-8") as lines:
        for dialogue in map(json.loads, lines):
            pairs = [[list(question.encode()), [*reply.encode(), 0]] for question, reply in dialogue["turns"]]
            yield {**dialogue, "turns": pairs}


def tokens_and_turns(dialogue):
    """The tokens of a dialogue, and of each the turn that it is supervised in, or -1."""
    tokens, turns = [], []
    for turn, (question, reply) in enumerate(dialogue["turns"]):
        tokens += question + reply
        turns += [-1] * len(question) + [turn] * len(reply)
    return tokens, turns


def padded(dialogues):
    """One dialogue a row: inputs, next tokens, and the turns of those."""
    rows = [tokens_and_turns(dialogue) for dialogue in dialogues]
    length = max(len(tokens) for tokens, _ in rows)
    tokens = torch.tensor([tokens + [0] * (length - len(tokens)) for tokens, _ in rows])
    turns = torch.tensor([turns + [-1] * (length - len(turns)) for _, turns in rows])
    return tokens[:, :-1], tokens[:, 1:], turns[:, 1:]


class LanguageModel(nn.Module):
    def __init__(self, size=64):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, size)
        self.recurrent = nn.GRU(size, size, batch_first=True)
        self.output = nn.Linear(size, VOCABULARY)

    def forward(self, tokens):
        return self.output(self.recurrent(self.embedding(tokens))[0])


def token_losses(model, inputs, labels):
    return cross_entropy(model(inputs).transpose(1, 2), labels, reduction="none")


def batch(dialogues, step, size):
    """The dialogues of a step: the same after a resume."""
    return random.Random(step).sample(dialogues, size)


def evaluate(model, dialogues):
    """Mean loss of the supervised tokens. Evaluation posts nothing: it is no training signal."""
    model.eval()
    with torch.no_grad():
        inputs, labels, turns = padded(dialogues)
        loss = token_losses(model, inputs, labels)[turns >= 0].mean().item()
    model.train()
    return loss


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="http://127.0.0.1:8080")
    parser.add_argument("--run", default="plain")
    parser.add_argument("--mode", default="remote", choices=["remote", "local"])
    parser.add_argument("--deadline", type=float, default=1.0, help="seconds that a step waits for its weights")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--checkpoint", help="file that is written every 50 steps")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--dialogues", help="file of JSON lines")
    options = parser.parse_args(arguments)

    torch.manual_seed(1)
    dialogues = list(read_dialogues(options.dialogues) if options.dialogues else synthetic_dialogues())
    held_out, dialogues = dialogues[:40], dialogues[40:]
    model, first = LanguageModel(), 0
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    if options.resume:
        checkpoint = torch.load(options.checkpoint)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        first = checkpoint["step"]

    run = Run(options.address, options.run, mode=options.mode, attempt=uuid.uuid4().hex, deadline=options.deadline)
    run.rewind(first)  # this attempt begins here: what an earlier one has posted of later steps is forgotten
    for step in range(first, options.steps):
        chosen = batch(dialogues, step, 16)
        inputs, labels, turns = padded(chosen)
        losses = token_losses(model, inputs, labels)
        posted = [{"id": dialogue["id"], "source": dialogue["source"]} for dialogue in chosen]
        weights = weigh_turns(run, step, losses, turns, posted)
        optimizer.zero_grad()
        if not broken(losses, turns):  # a step that is skipped counts as one, like any other
            (weighted_sum(losses, turns, weights) / (turns >= 0).sum()).backward()
            optimizer.step()
        if (step + 1) % 50 == 0:
            print(json.dumps({"step": step + 1, "held_out_loss": evaluate(model, held_out), **report(run)}), flush=True)
            if options.checkpoint:
                state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
                torch.save(state, options.checkpoint)
    run.close(finish=True)
    print("fallbacks:", sum(n for name, n in run.counts.items() if name.startswith("fallback")), dict(run.counts))


if __name__ == "__main__":
    main()
