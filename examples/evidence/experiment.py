"""One experiment: a scenario's data under a seed, and one training run of one arm on it, through the running service.

A *scenario* says what is trained on: domains, number of dialogues, share and kinds of corruption, sources. Scenario and
seed decide split, corruption and order of the batches, the same for every arm: arms are compared in pairs.
An *arm* says what multiplies the losses. `"weights"` is one of

- `service`: the weights that the service answers under `"configuration"`;
- `shuffled`: those, permuted among the observations of the same turn and batch;
- `rate`: none, but the step's learning rate is multiplied by their mean;
- `uniform`: none; the service records (shadow);
- `oracle`: 0 for a corrupted turn;
- `prefilter`: 0, from the start, for the `"share"` of each turn index with the highest loss under the base model;
- `length`: the exponential function of a z-score whose sd is that of the turn's statistics times
  sqrt(mean tokens / tokens), computed here from the service's statistics, with `"threshold"` and `"sharpness"`.

With `"posts": "excess"` an arm posts each loss minus the base model's of the same turn.
"""

import collections
import copy
import math

import numpy
import torch

from corruption import corrupt
from data import encode, rng
from model import Batch, turn_losses

RATE = 2e-3
BATCH = 16
FLOOR = 0.05


class Data:
    """Training and held-out dialogues of a scenario under a seed, the former corrupted."""

    def __init__(self, dialogues, scenario, seed):
        rare = scenario.get("rare")
        pool = [dialogue for dialogue in dialogues if dialogue.domain in scenario["domains"]]
        rng("split", scenario["split"], seed).shuffle(pool)
        self.heldout = pool[: scenario["heldout"]]
        rest = pool[scenario["heldout"] :]
        common = [dialogue for dialogue in rest if dialogue.domain != rare]
        few = [dialogue for dialogue in rest if dialogue.domain == rare][: scenario.get("rareDialogues", 0)]
        chosen = few + common[: scenario["dialogues"] - len(few)]
        if len(chosen) != scenario["dialogues"]:
            raise ValueError(f"{len(chosen)} dialogues to train on, not {scenario['dialogues']}")
        rng("mix", scenario["split"], seed).shuffle(chosen)
        donors = [dialogue for dialogue in dialogues if dialogue.domain not in scenario["domains"]]
        self.source, self.training, self.labels = {}, [], {}
        begin = 0
        for source, part, share in scenario["sources"]:  # name, part of the dialogues, share of their turns corrupted
            end = len(chosen) if source == scenario["sources"][-1][0] else begin + round(part * len(chosen))
            corrupted, labels = corrupt(
                chosen[begin:end],
                share,
                scenario["kinds"],
                f"{scenario['name']}/{source}/{seed}",
                donors,
                scenario.get("ofDialogue", 0.75),
            )
            self.training += corrupted
            self.labels.update(labels)
            self.source.update({dialogue.id: source for dialogue in corrupted})
            begin = end
        self.encoded = [encode(dialogue.exchanges) for dialogue in self.training]
        self.heldout_encoded = [encode(dialogue.exchanges) for dialogue in self.heldout]

    def batches(self, epochs, seed):
        """Indices into the training dialogues, step by step."""
        random = rng("order", seed)
        for _ in range(epochs):
            order = list(range(len(self.training)))
            random.shuffle(order)
            for start in range(0, len(order) - BATCH + 1, BATCH):
                yield order[start : start + BATCH]


def train(base, data, arm, service, run, epochs, seed, progress=lambda done: None):
    """Trains a copy of the base model; returns it, what was measured on the way, and its trace: a row
    (step, dialogue, turn, loss, weight) per observation."""
    model = copy.deepcopy(base)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    kind = arm["weights"]
    configuration = dict(arm.get("configuration", {}))
    if kind in ("uniform", "oracle", "prefilter"):
        configuration["shadow"] = True
    service.begin(run, configuration)
    dropped = prefiltered(base, data, arm["share"]) if kind == "prefilter" else set()
    reference = turn_losses(base, data.encoded) if arm.get("posts") == "excess" else None
    shuffle = numpy.random.default_rng(seed)
    tokens_of_slot = collections.defaultdict(lambda: [0, 0])
    statistics = {}
    norms, trace = [], []
    for step, chosen in enumerate(data.batches(epochs, seed)):
        batch = Batch([data.encoded[i] for i in chosen])
        token_losses = model.token_losses(batch)
        losses = batch.turn_means(token_losses.detach()).double().tolist()
        lengths = batch.tokens_of_turn.tolist()
        sent = [
            {"id": data.training[i].id, "source": data.source[data.training[i].id], "losses": [], "tokens": []}
            for i in chosen
        ]
        for (place, turn), loss, length in zip(batch.turns, losses, lengths):
            sent[place]["losses"].append(loss - reference[chosen[place]][turn] if reference else loss)
            sent[place]["tokens"].append(length)
        if kind == "length":
            applied = length_aware(batch, losses, lengths, statistics, tokens_of_slot, arm)
            for dialogue in sent:
                dialogue["weights"] = []
            for (place, _), weight in zip(batch.turns, applied):
                sent[place]["weights"].append(weight)
        answer = service.weigh(run, step, sent)
        weights = [weight for of_dialogue in answer["weights"] for weight in of_dialogue]
        named = [(data.training[chosen[place]].id, turn) for place, turn in batch.turns]
        if kind == "length":
            weights = applied
            statistics = {row["turn"]: row for row in service.call("GET", f"/v1/runs/{run}/statistics")["turns"]}
        elif kind == "oracle":
            weights = [0.0 if key in data.labels else 1.0 for key in named]
        elif kind == "prefilter":
            weights = [0.0 if key in dropped else 1.0 for key in named]
        elif kind == "shuffled":
            weights = shuffled(batch.turns, weights, shuffle)
        trace += [(step, *key, loss, weight) for key, loss, weight in zip(named, losses, weights)]
        applied_now = torch.tensor(weights, dtype=torch.float32)
        rate = RATE
        if kind == "rate":
            rate *= float((applied_now * batch.tokens_of_turn).sum() / batch.tokens_of_turn.sum())
            applied_now = torch.ones_like(applied_now)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        ((applied_now[batch.slot] * token_losses).sum() / len(token_losses)).backward()
        norms.append(math.sqrt(sum(float(p.grad.double().square().sum()) for p in model.parameters())))
        optimizer.step()
        progress(step + 1)
    service.call("POST", f"/v1/runs/{run}/finish")
    return model, norms, trace


def shuffled(turns, weights, random):
    """The weights, permuted among the observations of the same turn."""
    result = list(weights)
    of_turn = collections.defaultdict(list)
    for i, (_, turn) in enumerate(turns):
        of_turn[turn].append(i)
    for places in of_turn.values():
        for place, other in zip(places, random.permutation(places)):
            result[place] = weights[other]
    return result


def prefiltered(base, data, share):
    """(dialogue id, turn) of the share of each turn index with the highest loss under the base model."""
    of_turn = collections.defaultdict(list)
    for dialogue, losses in zip(data.training, turn_losses(base, data.encoded)):
        for turn, loss in enumerate(losses):
            of_turn[turn].append((loss, dialogue.id))
    return {
        (identity, turn)
        for turn, rows in of_turn.items()
        for _, identity in sorted(rows, reverse=True)[: round(share * len(rows))]
    }


def length_aware(batch, losses, lengths, statistics, tokens_of_slot, arm):
    weights = []
    for (_, turn), loss, length in zip(batch.turns, losses, lengths):
        row = statistics.get(turn)
        count, total = tokens_of_slot[turn]
        if row is None or row["seen"] < 32 or not row["standardDeviation"]:
            weights.append(1.0)
            continue
        z = (loss - row["mean"]) / (row["standardDeviation"] * math.sqrt(total / count / length))
        weights.append(max(FLOOR, min(1.0, math.exp(-arm["sharpness"] * max(0.0, z - arm["threshold"])))))
    for (_, turn), length in zip(batch.turns, lengths):
        tokens_of_slot[turn][0] += 1
        tokens_of_slot[turn][1] += length
    return weights


def evaluate(model, data, base_heldout, seed):
    """Scores of a model on the held-out dialogues, all of them clean. Losses in nats per token, mean over turns."""
    losses = turn_losses(model, data.heldout_encoded)
    tokens = [[len(response) + 1 for _, response in dialogue.exchanges] for dialogue in data.heldout]
    hard = hardest(base_heldout, 0.2)
    flat = [
        (loss, n, dialogue.domain, (i, t) in hard)
        for i, (dialogue, of_dialogue, counts) in enumerate(zip(data.heldout, losses, tokens))
        for t, (loss, n) in enumerate(zip(of_dialogue, counts))
    ]
    mean = lambda rows: sum(loss * n for loss, n, _, _ in rows) / max(1, sum(n for _, n, _, _ in rows))
    domains = sorted({row[2] for row in flat})
    return {
        "loss": mean(flat),
        "lossOfTurns": sum(row[0] for row in flat) / len(flat),
        "hard": mean([row for row in flat if row[3]]),
        "easy": mean([row for row in flat if not row[3]]),
        "domains": {domain: mean([row for row in flat if row[2] == domain]) for domain in domains},
        "recall": recall(model, data, seed),
    }


def hardest(losses, share):
    """(dialogue's index, turn) of the share of each turn index with the highest losses."""
    of_turn = collections.defaultdict(list)
    for i, of_dialogue in enumerate(losses):
        for turn, loss in enumerate(of_dialogue):
            of_turn[turn].append((loss, i))
    return {
        (i, turn) for turn, rows in of_turn.items() for _, i in sorted(rows, reverse=True)[: round(share * len(rows))]
    }


def recall(model, data, seed, candidates=10):
    """Recall@1: how often the true response gains most from its context among `candidates` of other dialogues at the
    same turn (2 or later; one turn of each held-out dialogue). The gain is mean loss without context minus mean loss
    after the two last utterances and the response before them: it does not prefer what is likely anywhere."""
    random = rng("recall", seed)
    after_context, alone = [], []
    for dialogue in data.heldout:
        if len(dialogue.exchanges) < 3:
            continue
        turn = random.randrange(2, len(dialogue.exchanges))
        user, true = dialogue.exchanges[turn]
        others = sorted({other.exchanges[turn][1] for other in data.heldout if len(other.exchanges) > turn} - {true})
        for response in [true] + random.sample(others, candidates - 1):
            after_context.append((dialogue.exchanges[turn - 1], (user, response)))
            alone.append((((), response),))
    gains = [without - within for without, within in zip(last_losses(model, alone), last_losses(model, after_context))]
    groups = [gains[start : start + candidates] for start in range(0, len(gains), candidates)]
    return sum(max(range(candidates), key=group.__getitem__) == 0 for group in groups) / len(groups)


def last_losses(model, dialogues, size=256):
    """Mean loss of the last response of each of many short dialogues."""
    return [losses[-1] for losses in turn_losses(model, [encode(exchanges) for exchanges in dialogues], size)]
