"""Corrupts a known share of the responses of a training set, and says which.

Kinds (a response keeps its place; user utterances stay as they are):

- `foreign`: a response of another dialogue, of another domain.
- `early`: from turn 0 or 1 on, all responses are those of one other dialogue, of another domain: an early one is
  wrong and the rest agree with it.
- `shuffled`: the same words in another order.
- `repeated`: the previous response once more; at turn 0 the user's utterance.
- `swapped`: two responses of the dialogue change places.
- `random`: half of the words are replaced by words of another dialogue's responses.
"""

import dataclasses

from data import rng

CHOICE_KINDS = ("foreign", "early", "shuffled", "repeated")
CONFIRMATION_KINDS = ("early", "swapped", "random", "foreign")
SECOND_KINDS = ("shuffled", "swapped", "random", "foreign")


def corrupt(dialogues, share, kinds, seed, donors, of_dialogue=0.75):
    """Returns the dialogues, corrupted, and {(dialogue id, turn): kind} of the responses that differ from before.

    Dialogues are taken in random order, one kind each, until `share` of all responses is corrupted; within one, each
    response is with probability `of_dialogue` (`early`: the tail). `donors` are the other dialogues.
    """
    random = rng("corruption", seed)
    wanted = share * sum(len(dialogue.exchanges) for dialogue in dialogues)
    order = list(range(len(dialogues)))
    random.shuffle(order)
    result, labels = list(dialogues), {}
    for n, i in enumerate(order):
        if len(labels) >= wanted:
            break
        kind = kinds[n % len(kinds)]
        original = dialogues[i].exchanges
        responses = _corrupted(original, kind, donors, random, of_dialogue)
        changed = [t for t, (_, response) in enumerate(original) if responses[t] != response]
        labels.update({(dialogues[i].id, t): kind for t in changed})
        exchanges = tuple((user, responses[t]) for t, (user, _) in enumerate(original))
        result[i] = dataclasses.replace(dialogues[i], exchanges=exchanges)
    return result, labels


def _corrupted(original, kind, donors, random, of_dialogue):
    responses = [response for _, response in original]
    hit = [t for t in range(len(original)) if random.random() < of_dialogue]

    def other(turns):
        """Another dialogue with at least that many turns."""
        while True:
            donor = random.choice(donors).exchanges
            if len(donor) >= turns:
                return donor

    if kind == "foreign":
        for t in hit:
            responses[t] = random.choice(other(1))[1]
    elif kind == "early":
        begin = random.randrange(2)
        donor = other(len(original))
        responses[begin:] = [response for _, response in donor[begin : len(original)]]
    elif kind == "shuffled":
        for t in hit:
            shuffled = list(responses[t])
            random.shuffle(shuffled)
            responses[t] = tuple(shuffled)
    elif kind == "repeated":
        for t in hit:
            responses[t] = responses[t - 1] if t else original[0][0]
    elif kind == "swapped":
        if len(hit) >= 2:
            a, b = random.sample(hit, 2)
            responses[a], responses[b] = responses[b], responses[a]
    elif kind == "random":
        for t in hit:
            words = [word for _, response in other(1) for word in response]
            responses[t] = tuple(random.choice(words) if random.random() < 0.5 else word for word in responses[t])
    else:
        raise ValueError(kind)
    return responses
