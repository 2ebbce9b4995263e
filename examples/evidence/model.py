"""A language model of exchanges given the dialogue so far, small enough to be trained in seconds on one core.

A GRU reads the user's utterance and the response. Its first state is made from the mean embeddings of the exchange
before and of all those before that: so all exchanges of a batch are computed side by side, and an error in an early
response still reaches the later ones."""

import numpy
import torch

from data import PAD, VOCABULARY


class Model(torch.nn.Module):
    def __init__(self, hidden=128, embedding=64):
        super().__init__()
        self.embed = torch.nn.Embedding(VOCABULARY, embedding)
        self.begin = torch.nn.Linear(2 * embedding, hidden)
        self.gru = torch.nn.GRU(embedding, hidden)
        self.out = torch.nn.Linear(hidden, VOCABULARY)

    def token_losses(self, batch):
        """Negative log-likelihood in nats of each token that `batch` asks for."""
        context = [
            torch.nn.functional.embedding_bag(words, self.embed.weight, begins, mode="mean")
            for words, begins in (batch.before, batch.earlier)
        ]
        first = torch.tanh(self.begin(torch.cat(context, 1)))
        hidden, _ = self.gru(self.embed(batch.tokens), first[None])
        return torch.nn.functional.cross_entropy(
            self.out(hidden[batch.place, batch.slot]), batch.targets, reduction="none"
        )


class Batch:
    """The exchanges of encoded dialogues as columns of `tokens`, padded at the end, where no loss is asked for.
    `turns[slot]` is (index of the dialogue, turn) of a column; the i-th loss is that of `targets[i]`, predicted at
    `place[i]` of column `slot[i]`."""

    def __init__(self, encoded, supervised_only=True):
        self.turns = [(i, t) for i, one in enumerate(encoded) for t in range(len(one.exchanges))]
        columns = [encoded[i].exchanges[t] for i, t in self.turns]
        tokens = numpy.full((max(map(len, columns)) - 1, len(columns)), PAD)
        place, slot, targets = [], [], []
        for j, ((i, t), column) in enumerate(zip(self.turns, columns)):
            tokens[: len(column) - 1, j] = column[:-1]
            first = encoded[i].response[t] if supervised_only else 0
            place.append(numpy.arange(first, len(column) - 1))
            slot.append(numpy.full(len(column) - 1 - first, j))
            targets.append(column[first + 1 :])
        self.tokens = torch.from_numpy(tokens)
        self.place, self.slot, self.targets = (
            torch.from_numpy(numpy.concatenate(part)) for part in (place, slot, targets)
        )
        self.before = bags([encoded[i].exchanges[max(t - 1, 0) : t] for i, t in self.turns])
        self.earlier = bags([encoded[i].exchanges[: max(t - 1, 0)] for i, t in self.turns])
        self.tokens_of_turn = torch.bincount(self.slot, minlength=len(self.turns))

    def turn_means(self, token_losses):
        """Mean loss of each supervised turn, in nats per token."""
        return torch.zeros(len(self.turns)).index_add(0, self.slot, token_losses) / self.tokens_of_turn


def bags(exchanges_of):
    """All words of each list of exchanges in a row, and where each list begins."""
    words = [numpy.concatenate(exchanges) if exchanges else numpy.zeros(0, dtype=int) for exchanges in exchanges_of]
    begins = numpy.cumsum([0] + [len(one) for one in words])[:-1]
    return torch.from_numpy(numpy.concatenate(words)), torch.from_numpy(begins)


def turn_losses(model, encoded, size=32):
    """The loss of each supervised turn of each dialogue, without training: a list of lists."""
    result = [None] * len(encoded)
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i].exchanges))
    with torch.no_grad():
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            batch = Batch([encoded[i] for i in chosen])
            means = batch.turn_means(model.token_losses(batch)).tolist()
            for i in chosen:
                result[i] = []
            for (place, _), mean in zip(batch.turns, means):
                result[chosen[place]].append(mean)
    return result


def pretrain(encoded, epochs, seed, size=16, rate=2e-3):
    """A base model: a language model of all tokens of the dialogues, users' and system's."""
    torch.manual_seed(seed)
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), rate)
    random = numpy.random.default_rng(seed)
    steps = epochs * (len(encoded) // size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - 0.9 * step / steps)
    for _ in range(epochs):
        order = random.permutation(len(encoded))
        for start in range(0, len(order) - size + 1, size):
            batch = Batch([encoded[i] for i in order[start : start + size]], supervised_only=False)
            optimizer.zero_grad()
            model.token_losses(batch).mean().backward()
            optimizer.step()
            schedule.step()
    return model
