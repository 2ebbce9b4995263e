"""Of what would void everything if it were wrong: labels of corruption, seeds and splits, weights and their order."""

import collections
import pathlib
import sys
import unittest

try:
    import numpy
    import torch
except ImportError as missing:
    raise unittest.SkipTest(f"{missing}: the experiments are not tested")

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import plan
from corruption import CHOICE_KINDS, CONFIRMATION_KINDS, corrupt
from data import SYSTEM, Dialogue, encode, rng
from experiment import Data, shuffled
from model import Batch, Model, turn_losses


def made_up(count, domain="events"):
    """Dialogues of random words, all different."""
    random = rng("made up", domain)
    sentence = lambda: tuple(random.randrange(5, 900) for _ in range(random.randrange(3, 10)))
    return [
        Dialogue(f"{domain}-{i}", domain, tuple((sentence(), sentence()) for _ in range(random.randrange(2, 7))))
        for i in range(count)
    ]


OTHERS = made_up(40, "homes")


class CorruptionTest(unittest.TestCase):
    def test_exactly_the_labelled_responses_differ_and_no_user_utterance(self):
        clean = made_up(120)
        for kinds in (CHOICE_KINDS, CONFIRMATION_KINDS):
            for share in (0.0, 0.2, 0.4, 0.8):
                changed, labels = corrupt(clean, share, kinds, 3, OTHERS)
                differing = set()
                for before, after in zip(clean, changed):
                    self.assertEqual(before.id, after.id)
                    self.assertEqual([user for user, _ in before.exchanges], [user for user, _ in after.exchanges])
                    differing |= {
                        (before.id, t) for t, (a, b) in enumerate(zip(before.exchanges, after.exchanges)) if a != b
                    }
                self.assertEqual(differing, set(labels))

    def test_the_share_is_kept_within_one_dialogue(self):
        clean = made_up(300)
        total = sum(len(dialogue.exchanges) for dialogue in clean)
        for share in (0.2, 0.4):
            _, labels = corrupt(clean, share, CHOICE_KINDS, 1, OTHERS)
            self.assertTrue(0 <= len(labels) - share * total <= 6, (len(labels), share * total))
            self.assertEqual(set(labels.values()), set(CHOICE_KINDS))

    def test_the_same_seed_corrupts_alike_and_another_does_not(self):
        clean = made_up(60)
        self.assertEqual(corrupt(clean, 0.4, CHOICE_KINDS, 1, OTHERS), corrupt(clean, 0.4, CHOICE_KINDS, 1, OTHERS))
        self.assertNotEqual(
            corrupt(clean, 0.4, CHOICE_KINDS, 1, OTHERS)[1], corrupt(clean, 0.4, CHOICE_KINDS, 2, OTHERS)[1]
        )

    def test_shuffled_keeps_the_words_and_repeated_repeats(self):
        clean = made_up(60)
        changed, labels = corrupt(clean, 0.4, ("shuffled",), 1, OTHERS)
        for before, after in zip(clean, changed):
            for (_, a), (_, b) in zip(before.exchanges, after.exchanges):
                self.assertEqual(sorted(a), sorted(b))
        changed, labels = corrupt(clean, 0.4, ("repeated",), 1, OTHERS)
        by_id = {dialogue.id: dialogue.exchanges for dialogue in changed}
        for identity, turn in labels:
            exchanges = by_id[identity]
            self.assertEqual(exchanges[turn][1], exchanges[turn - 1][1] if turn else exchanges[0][0])


class DataTest(unittest.TestCase):
    def scenario(self, **changes):
        return (
            plan.SCENARIOS["mixed"]
            | {"domains": ("events", "restaurants"), "dialogues": 60, "rareDialogues": 6, "heldout": 20}
            | changes
        )

    def dialogues(self):
        return made_up(80) + made_up(30, "restaurants") + made_up(30, "homes")

    def test_training_and_held_out_dialogues_are_apart_and_the_latter_clean(self):
        dialogues = self.dialogues()
        data = Data(dialogues, self.scenario(), 4)
        self.assertFalse({d.id for d in data.training} & {d.id for d in data.heldout})
        self.assertTrue(all(d in dialogues for d in data.heldout))
        self.assertEqual(len({d.id for d in data.training}), 60)
        self.assertEqual(sum(d.domain == "restaurants" for d in data.training), 6)
        self.assertFalse(any(d.domain == "homes" for d in data.training + data.heldout))

    def test_only_the_bad_source_is_corrupted(self):
        data = Data(self.dialogues(), self.scenario(), 4)
        self.assertEqual({data.source[identity] for identity, _ in data.labels}, {"scraped"})
        self.assertEqual(
            collections.Counter(data.source.values()), {"forum": 15, "helpdesk": 15, "wizard": 15, "scraped": 15}
        )

    def test_a_seed_decides_split_corruption_and_order(self):
        make = lambda seed: Data(self.dialogues(), self.scenario(), seed)
        self.assertEqual(make(1).training, make(1).training)
        self.assertNotEqual([d.id for d in make(1).heldout], [d.id for d in make(2).heldout])
        self.assertEqual(list(make(1).batches(2, 1)), list(make(1).batches(2, 1)))
        self.assertNotEqual(list(make(1).batches(2, 1)), list(make(1).batches(2, 2)))

    def test_scenarios_of_one_split_differ_in_nothing_but_the_corruption(self):
        clean = Data(self.dialogues(), self.scenario(name="clean", sources=(("all", 1.0, 0.0),)), 1)
        noisy = Data(self.dialogues(), self.scenario(name="p40", sources=(("all", 1.0, 0.4),)), 1)
        self.assertEqual([d.id for d in clean.training], [d.id for d in noisy.training])
        self.assertEqual(clean.heldout, noisy.heldout)
        self.assertEqual(clean.labels, {})

    def test_no_domain_is_trained_on_in_choice_and_confirmation(self):
        self.assertFalse(set(plan.CHOICE_DOMAINS) & set(plan.CONFIRMATION_DOMAINS))


class BatchTest(unittest.TestCase):
    def test_a_turns_loss_is_that_of_its_response_whatever_else_is_in_the_batch(self):
        torch.manual_seed(1)
        model, encoded = Model(), [encode(dialogue.exchanges) for dialogue in made_up(7)]
        together = turn_losses(model, encoded)
        for one, losses in zip(encoded, together):
            self.assertEqual(len(losses), len(one.exchanges))
            for alone, loss in zip(turn_losses(model, [one])[0], losses):
                self.assertAlmostEqual(alone, loss, places=4)

    def test_the_response_and_its_end_are_supervised_and_nothing_else(self):
        one = encode((((7, 8), (9, 10, 11)),))
        batch = Batch([one])
        self.assertEqual(batch.targets.tolist(), [9, 10, 11, 3])
        self.assertEqual(batch.tokens[batch.place, batch.slot].tolist(), [SYSTEM, 9, 10, 11])
        self.assertEqual(batch.tokens_of_turn.tolist(), [4])

    def test_a_later_response_changes_no_earlier_loss(self):
        torch.manual_seed(1)
        model, dialogue = Model(), next(d for d in made_up(20) if len(d.exchanges) >= 4)
        changed = dialogue.exchanges[:2] + ((dialogue.exchanges[2][0], (5, 6, 7)),) + dialogue.exchanges[3:]
        before, after = (turn_losses(model, [encode(exchanges)])[0] for exchanges in (dialogue.exchanges, changed))
        numpy.testing.assert_allclose(before[:2], after[:2], rtol=1e-5)
        self.assertNotAlmostEqual(before[2], after[2], places=3)
        self.assertNotAlmostEqual(before[3], after[3], places=5)  # it is the later one's context


class ShuffledTest(unittest.TestCase):
    def test_weights_stay_within_their_turn(self):
        turns = [(i, t) for i in range(20) for t in range(3)]
        weights = [t + i / 100 for i, t in turns]
        moved = shuffled(turns, weights, numpy.random.default_rng(1))
        self.assertNotEqual(moved, weights)
        for turn in range(3):
            pick = lambda values: sorted(value for (_, t), value in zip(turns, values) if t == turn)
            self.assertEqual(pick(moved), pick(weights))
