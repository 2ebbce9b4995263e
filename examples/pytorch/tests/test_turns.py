"""The arithmetic on tensors: losses per turn, weights to tokens, selection, skipping, packing, groups of ranks."""
import argparse
import copy
import math
import unittest

from scripted import needs_torch

needs_torch("the arithmetic on tensors")

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ranks import on_ranks
import train_parallel
from train import LanguageModel, batch, padded, synthetic_dialogues, token_losses
from train_parallel import packed
from turns import (broken, dialogue_id, on_any_rank, report, token_losses_of, turn_sums, turns_of, weigh_turns,
                   weighted_sum)


class FixedRun:
    """Answers given weights, and keeps what was posted."""
    mean_weight = 1.0

    def __init__(self, weights=None):
        self.weights, self.posted = weights, []

    def weigh(self, step, dialogues, micro_batch=0):
        self.posted.append((step, micro_batch, dialogues))
        return self.weights or [[x if x is None else float(math.isfinite(x)) for x in d["losses"]] for d in dialogues]


def example(seed=3, dialogues=6):
    torch.manual_seed(seed)
    chosen = list(synthetic_dialogues(dialogues, seed))
    return LanguageModel(16), chosen, [{"id": dialogue["id"]} for dialogue in chosen]


def gradient(model):
    return [parameter.grad.clone() for parameter in model.parameters()]


class TurnsTest(unittest.TestCase):
    def assertSameBits(self, expected, found):
        self.assertTrue(all(torch.equal(a, b) for a, b in zip(expected, found)))

    def test_the_loss_of_a_turn_is_the_mean_of_its_tokens(self):
        losses = torch.tensor([[1.0, 2.0, 4.0, 8.0], [3.0, 5.0, 7.0, 9.0]])
        turns = torch.tensor([[-1, 0, 0, 1], [1, 1, -1, -1]])
        run = FixedRun([[0.5, 0.25], [None, 0.0]])
        weights = weigh_turns(run, 4, losses, turns, [{"id": "a", "source": "s"}, {"id": "b"}], micro_batch=2)
        self.assertEqual([(4, 2, [{"id": "a", "source": "s", "losses": [3.0, 8.0], "tokens": [2, 1]},
                                  {"id": "b", "losses": [None, 4.0], "tokens": [0, 2]}])], run.posted)
        self.assertEqual(0.5 * 6 + 0.25 * 8, weighted_sum(losses, turns, weights).item())

    def test_weights_are_divided_by_the_mean_weight_of_the_run(self):
        run = FixedRun([[0.5], [1.0]])
        run.mean_weight = 0.75
        weights = weigh_turns(run, 0, torch.ones(2, 1), torch.zeros(2, 1, dtype=torch.long), [{"id": "a"}, {"id": "b"}])
        self.assertEqual([[0.5 / 0.75], [1 / 0.75]], weights.tolist())

    def test_with_all_weights_1_the_gradient_is_the_unweighted_one_bit_for_bit(self):
        model, chosen, ids = example()
        plain = copy.deepcopy(model)
        inputs, labels, turns = padded(chosen)
        items = (turns >= 0).sum()
        targets = labels.masked_fill(turns < 0, -100)
        losses = cross_entropy(model(inputs).transpose(1, 2), labels, reduction="none")
        (weighted_sum(losses, turns, weigh_turns(FixedRun(), 0, losses, turns, ids)) / items).backward()
        for reduction in ("mean", "sum"):
            plain.zero_grad()
            loss = cross_entropy(plain(inputs).transpose(1, 2), targets, reduction=reduction)
            (loss if reduction == "mean" else loss / items).backward()
            self.assertSameBits(gradient(plain), gradient(model))

    def test_packed_and_padded_dialogues_have_the_same_losses_of_turns(self):
        _, chosen, _ = example(dialogues=9)
        posted = []
        for inputs, labels, turns, *rows in (padded(chosen), packed(chosen)):
            losses = (labels * 0.25 + inputs).double()  # of a model that looks at one token back
            sums, counts = turn_sums(losses, turns, len(chosen), *rows)
            posted.append((sums.tolist(), counts.tolist()))
        self.assertEqual(*posted)
        self.assertLess(len(packed(chosen)[0]), len(chosen))

    def test_a_turn_of_weight_0_is_left_out_by_selection(self):
        losses = torch.tensor([[1.0, math.inf, 2.0], [3.0, math.nan, 4.0]], requires_grad=True)
        turns = torch.tensor([[0, 1, 2], [0, 1, 2]])
        loss = weighted_sum(losses, turns, torch.tensor([[1.0, 0.0, 0.5], [1.0, 0.0, 1.0]]))
        loss.backward()
        self.assertEqual(9.0, loss.item())
        self.assertEqual([[1.0, 0.0, 0.5], [1.0, 0.0, 1.0]], losses.grad.tolist())

    def test_a_loss_that_is_infinite_is_unusable_but_nan_breaks_the_step(self):
        turns = torch.tensor([[0, 1, -1]])
        self.assertFalse(broken(torch.tensor([[1.0, math.inf, math.nan]]), turns))
        self.assertTrue(broken(torch.tensor([[1.0, math.nan, 2.0]]), turns))

    def test_an_unusable_turn_with_finite_logits_leaves_a_finite_gradient(self):
        logits = torch.zeros(1, 2, 4)
        logits[0, 0, 1] = -math.inf  # the target is masked out: its loss is infinite
        logits.requires_grad_()
        losses = cross_entropy(logits.transpose(1, 2), torch.tensor([[1, 2]]), reduction="none")
        self.assertTrue(losses[0, 0].isinf())
        weighted_sum(losses, torch.tensor([[0, 1]]), torch.tensor([[0.0, 1.0]])).backward()
        self.assertTrue(logits.grad.isfinite().all())

    def test_a_loss_that_is_reduced_already_is_refused(self):
        with self.assertRaisesRegex(ValueError, "fused or chunked"):
            turn_sums(torch.tensor(1.5), torch.zeros(2, 3, dtype=torch.long), 2)
        for logits in (None, (), torch.zeros(2, 1, 7)):
            with self.assertRaisesRegex(ValueError, "fused or chunked"):
                token_losses_of(logits, torch.zeros(2, 3, dtype=torch.long))

    def test_gradients_that_are_none_leave_parameters_and_optimizer_as_they_were(self):
        model = nn.Linear(3, 2)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()
        before = copy.deepcopy((list(model.parameters()), optimizer.state_dict()["state"]))
        (model(torch.ones(1, 3)).sum() * math.nan).backward()
        model.zero_grad(set_to_none=True)  # how the trainers of transformers and TRL skip a step
        optimizer.step()
        self.assertSameBits(before[0], list(model.parameters()))
        self.assertEqual(str(before[1]), str(optimizer.state_dict()["state"]))

    def test_turns_of_assistant_masks(self):
        labels = torch.tensor([[-100, -100, 5, 6, -100, 7, -100], [-100, 8, 9, -100, -100, -100, -100]])
        shifted = token_losses_of(torch.zeros(2, 7, 10), labels)[1]
        turns, rows, documents = turns_of(shifted)
        self.assertEqual([[-1, 0, 0, -1, 1, -1, -1], [0, 0, -1, -1, -1, -1, -1]], turns.tolist())
        self.assertEqual([0, 0, 0, 1, 1], rows[turns >= 0].tolist())
        self.assertEqual([7, 7], [int(document.sum()) for document in documents])

    def test_turns_of_packed_documents_start_again(self):
        #                       first                | second           | unsupervised    | third      | padding
        labels = torch.tensor([[-100, 1, 1, -100, 1, -100, 1, 1, -100, -100, -100, -100, -100, 1, 1, -100, -100]])
        places = torch.tensor([[0, 1, 2, 3, 4, 0, 1, 2, 3, 0, 1, 2, 0, 1, 2, 0, 0]])
        turns, rows, documents = turns_of(token_losses_of(torch.zeros(1, 17, 3), labels)[1], places)
        self.assertEqual([0, 0, -1, 1, -1, 0, 0, -1, -1, -1, -1, -1, 0, 0, -1, -1, -1], turns[0].tolist())
        self.assertEqual([0, 0, 0, 1, 1, 2, 2], rows[turns >= 0].tolist())
        self.assertEqual([[0, 1, 2, 3, 4], [5, 6, 7, 8], [12, 13, 14]],
                         [document.nonzero()[:, 1].tolist() for document in documents])

    def test_supervision_up_to_the_border_of_two_documents_does_not_join_them(self):
        labels = torch.tensor([[-100, 1, 1, 1, 1, -100]])  # the first token of the second document is supervised, too
        turns, rows, _ = turns_of(token_losses_of(torch.zeros(1, 6, 3), labels)[1], torch.tensor([[0, 1, 2, 0, 1, 2]]))
        self.assertEqual([0, 0, 0, 0], turns[turns >= 0].tolist())
        self.assertEqual([0, 0, 1, 1], rows[turns >= 0].tolist())

    def test_a_batch_without_supervision_posts_nothing_of_weight(self):
        turns, rows, documents = turns_of(torch.full((2, 4), -100))
        self.assertEqual([], documents)
        losses = torch.zeros(2, 4, requires_grad=True)
        loss = weighted_sum(losses, turns, weigh_turns(FixedRun(), 0, losses, turns, [], rows=rows), rows)
        self.assertEqual(0.0, loss.item())
        loss.backward()

    def test_the_same_tokens_have_the_same_id(self):
        self.assertEqual(dialogue_id([1, 2, 3]), dialogue_id(iter([1, 2, 3])))
        self.assertNotEqual(dialogue_id([1, 23]), dialogue_id([12, 3]))

    def test_report(self):
        run = FixedRun()
        run.applied, run.counts = [1.0, 0.5, 0.5], {"fallback/one/timeout": 2}
        expected = {"mean_weight": 2 / 3, "effective_sample_ratio": 4 / 1.5 / 3, "fallback/one/timeout": 2}
        self.assertEqual(expected, report(run))
        self.assertEqual(1.0, report(run)["mean_weight"])


def parallel_group(replicated):
    """What a rank of a sequence (or tensor) parallel group finds: it has a part (or all) of each sequence."""
    from torch import distributed
    rank, ranks = distributed.get_rank(), distributed.get_world_size()
    model, chosen, ids = example()
    inputs, labels, turns = padded(chosen)
    with torch.no_grad():
        losses = cross_entropy(model(inputs).transpose(1, 2), labels, reduction="none")
    run = FixedRun([[0.1 + 0.01 * d + 0.001 * t for t in range(5)] for d in range(len(ids))]) if rank == 0 else None
    if not replicated:
        losses, turns = losses.chunk(ranks, 1)[rank], turns.chunk(ranks, 1)[rank]
    group = distributed.group.WORLD
    weights = weigh_turns(run, 0, losses, turns, ids, group=group, replicated=replicated)
    poisoned = losses.clone()
    poisoned[turns >= 0] = math.nan if rank == 1 else 1.0
    return (run.posted if run else None, weights.tolist(), weighted_sum(losses.double(), turns, weights).item(),
            on_any_rank(broken(losses, turns)), on_any_rank(broken(poisoned, turns)))


class WeightlessRun(FixedRun):
    """What a data-parallel trainer needs of a run; all weights are 1."""

    def __init__(self, *arguments, **named):
        super().__init__()
        self.counts = {}

    def rewind(self, next_step):
        pass

    def close(self, finish=False):
        pass


def data_parallel_gradient():
    """The gradient that a rank of train_parallel has after its first step."""
    models = []

    class Kept(train_parallel.DistributedDataParallel):
        def __init__(self, model):
            super().__init__(model)
            models.append(model)

    train_parallel.Run, train_parallel.DistributedDataParallel = WeightlessRun, Kept
    train_parallel.train(argparse.Namespace(address="", run="", mode="remote", deadline=1.0, steps=1))
    return [parameter.grad.tolist() for parameter in models[0].parameters()]


class GroupsTest(unittest.TestCase):
    def test_data_parallel_ranks_divide_by_the_items_of_all(self):
        count = train_parallel.MICRO_BATCHES
        dialogues = batch(list(synthetic_dialogues()), 0, 2 * count * train_parallel.DIALOGUES)
        parts = [[packed(dialogues[rank::2][i::count]) for i in range(count)] for rank in range(2)]
        items = [sum((turns >= 0).sum().item() for _, _, turns, _ in part) for part in parts]
        self.assertNotEqual(*items)  # else a rank's own number would do as well
        torch.manual_seed(1)
        model = LanguageModel()
        for inputs, labels, turns, _ in parts[0] + parts[1]:
            (token_losses(model, inputs, labels)[turns >= 0].sum() / sum(items)).backward()
        for found in on_ranks(2, data_parallel_gradient):
            for here, there in zip(gradient(model), found):
                torch.testing.assert_close(torch.tensor(there), here, rtol=1e-4, atol=1e-7)

    def test_a_sequence_or_tensor_parallel_group_posts_once_and_all_get_the_weights(self):
        model, chosen, ids = example()
        inputs, labels, turns = padded(chosen)
        with torch.no_grad():
            losses = cross_entropy(model(inputs).transpose(1, 2), labels, reduction="none")
        alone = FixedRun()
        weigh_turns(alone, 0, losses, turns, ids)
        for replicated in (False, True):
            with self.subTest(replicated=replicated):
                found = on_ranks(2, parallel_group, replicated)
                (posted, weights, part, fine, poisoned), (nothing, other_weights, other_part, _, other) = found
                self.assertIsNone(nothing)
                self.assertEqual(weights, other_weights)
                self.assertEqual((False, True, True), (fine, poisoned, other))
                for here, there in zip(alone.posted[0][2], posted[0][2]):
                    self.assertEqual(here["tokens"], there["tokens"])
                    for a, b in zip(here["losses"], there["losses"]):
                        self.assertTrue(a is b is None or abs(a - b) < 1e-12, (a, b))
                whole = weighted_sum(losses.double(), turns, torch.tensor(weights, dtype=torch.float64)).item()
                self.assertAlmostEqual(whole, part if replicated else part + other_part, places=9)


if __name__ == "__main__":
    unittest.main()
