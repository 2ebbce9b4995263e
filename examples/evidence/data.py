"""Dialogues as token ids: exchanges of a user's utterance and the system's response, which is the supervised turn."""

import collections
import dataclasses
import gzip
import json
import random
import re

import numpy

EXCHANGES = 6  # of a dialogue, at most
WORDS = 14  # of an utterance, at most
VOCABULARY = 1000
PAD, USER, SYSTEM, END, UNKNOWN = range(5)  # token ids that no word has


def rng(*name):
    """A generator that depends on nothing but its name, the same in every process."""
    return random.Random("/".join(map(str, name)))


@dataclasses.dataclass(frozen=True)
class Dialogue:
    id: str
    domain: str
    exchanges: tuple  # of (user's words, system's words), tuples of token ids


@dataclasses.dataclass(frozen=True)
class Encoded:
    """A dialogue's exchanges, each a sequence of token ids: the user's words, then the response, whose first token is
    predicted from position `response[t]` on."""

    exchanges: list  # of arrays
    response: list


def words(text):
    return re.findall(r"[a-z']+|[0-9]+|[^\sa-z0-9']", text.lower())


def word_class(word):
    return "0" if word.isdigit() else word


def load(path):
    """All dialogues that begin with a user's utterance, and the vocabulary: word to token id."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        raw = [json.loads(line) for line in lines]
    counts = collections.Counter(word_class(word) for row in raw for _, text in row["turns"] for word in words(text))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))[: VOCABULARY - 5]
    vocabulary = {word: 5 + i for i, word in enumerate(ranked)}

    def ids(text):
        return tuple(vocabulary.get(word_class(word), UNKNOWN) for word in words(text))[:WORDS]

    dialogues = []
    for row in raw:
        turns = row["turns"]
        speakers = [speaker for speaker, _ in turns]
        usable = min(len(turns) // 2, EXCHANGES)
        if speakers[: 2 * usable] != ["user", "system"] * usable or usable < 2:
            continue
        exchanges = tuple((ids(turns[2 * i][1]), ids(turns[2 * i + 1][1])) for i in range(usable))
        dialogues.append(Dialogue(row["id"], row["source"], exchanges))
    return dialogues, vocabulary


def encode(exchanges):
    return Encoded(
        [numpy.array([USER, *user, SYSTEM, *system, END]) for user, system in exchanges],
        [len(user) + 1 for user, _ in exchanges],
    )
