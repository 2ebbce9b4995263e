"""train_transformers.py on a stand-in for Trainer where transformers cannot be had: what it is given, what it does."""
import copy
import importlib.util
import math
import sys
import unittest

from scripted import HERE, needs_torch

needs_torch("the Trainer of train_transformers.py")

import torch
from torch import nn
from torch.nn.functional import cross_entropy, pad

if importlib.util.find_spec("transformers") is None:
    sys.path.insert(0, str(HERE / "standin"))
    STAND_IN = True
else:
    STAND_IN = False

from test_turns import FixedRun
from turns import dialogue_id

VOCABULARY = 11


class CausalModel(nn.Module):
    """Logits, and with labels the loss as transformers' causal models compute it."""

    def __init__(self, seed=5):
        super().__init__()
        torch.manual_seed(seed)
        self.embedding, self.output = nn.Embedding(VOCABULARY, 8), nn.Linear(8, VOCABULARY)
        self.poison = None

    def forward(self, input_ids, labels=None, position_ids=None, attention_mask=None, num_items_in_batch=None):
        logits = self.output(self.embedding(input_ids).cumsum(1))
        if self.poison is not None and self.training:
            self.poison -= 1
            logits = logits * (math.nan if self.poison == 0 else 1.0)
        if labels is None:
            return {"logits": logits}
        shifted = pad(labels, (0, 1), value=-100)[..., 1:].contiguous().view(-1)
        total = cross_entropy(logits.float().view(-1, VOCABULARY), shifted, ignore_index=-100, reduction="sum")
        return {"loss": total / num_items_in_batch, "logits": logits}


class RunOfTheTrainer(FixedRun):
    """Notes the rewind, too."""

    def __init__(self, weights=None):
        super().__init__(weights)
        self.applied, self.counts, self.rewound = [], {"fallback/local/timeout": 2}, None

    def rewind(self, next_step):
        self.rewound = next_step


def batch(*labels, seed=1, **more):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor(labels)
    tokens = torch.randint(1, VOCABULARY, labels.shape, generator=generator)
    return {"input_ids": tokens, "labels": torch.where(labels == 1, tokens, -100), **more}


PADDED = [batch([0, 0, 1, 1, 0, 1], [0, 1, 1, 0, 0, 0], seed=1), batch([0, 1, 0, 1, 0, 1], [0, 0, 0, 1, 1, 1], seed=2),
          batch([0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1], seed=3), batch([0, 0, 1, 0, 0, 1], [0, 1, 1, 1, 0, 1], seed=4)]
PACKED = [batch([0, 1, 1, 0, 1, 1], seed=6, position_ids=torch.tensor([[0, 1, 2, 0, 1, 2]]))]


@unittest.skipUnless(STAND_IN, "transformers is installed, and these tests are written for its stand-in")
class TransformersTest(unittest.TestCase):
    def trainer(self, batches, run=None, model=None, accumulation=2, **arguments):
        from train_transformers import TrainingArguments, WeighedTrainer
        arguments = TrainingArguments(gradient_accumulation_steps=accumulation, **arguments)
        return WeighedTrainer(model or CausalModel(), arguments, batches, run=run or RunOfTheTrainer())

    def test_with_all_weights_1_training_is_the_unweighted_trainers_bit_for_bit(self):
        from transformers import Trainer, TrainingArguments
        plain = Trainer(CausalModel(), TrainingArguments(gradient_accumulation_steps=2), PADDED)
        plain.train()
        weighed = self.trainer(PADDED)
        weighed.train()
        for a, b in zip(plain.model.parameters(), weighed.model.parameters()):
            self.assertTrue(torch.equal(a, b))

    def test_each_micro_batch_is_posted_once_by_its_turns(self):
        run = RunOfTheTrainer()
        self.trainer(PADDED, run).train(first_step=40)
        self.assertEqual(40, run.rewound)
        self.assertEqual([(40, 0), (40, 1), (41, 0), (41, 1)], [place[:2] for place in run.posted])
        first, second = run.posted[0][2]
        self.assertEqual(([2, 1], [2]), (first["tokens"], second["tokens"][:1]))
        self.assertEqual(dialogue_id(PADDED[0]["input_ids"][0].tolist()), first["id"])

    def test_a_dialogue_is_known_by_its_tokens_through_packing(self):
        run = RunOfTheTrainer()
        trainer = self.trainer(PACKED, run)
        trainer.dialogues = {dialogue_id(PACKED[0]["input_ids"][0, 3:].tolist()): {"id": "d-2", "source": "s"}}
        trainer.train()
        first, second = run.posted[0][2]
        self.assertEqual(("d-2", "s"), (second["id"], second["source"]))
        self.assertEqual([[2], [2]], [first["tokens"], second["tokens"]])

    def test_weights_scale_the_sum_and_not_the_denominator(self):
        model = CausalModel()
        run = RunOfTheTrainer([[0.5, 0.25], [1.0, 1.0]])
        run.mean_weight = 0.8
        trainer = self.trainer(PADDED[:1], run, copy.deepcopy(model), accumulation=1)
        trainer.train()
        tokens, labels = PADDED[0]["input_ids"], PADDED[0]["labels"]
        losses = cross_entropy(model(tokens)["logits"][:, :-1].transpose(1, 2), labels[:, 1:], reduction="none")
        by_token = torch.tensor([[0, 0.5, 0.5, 0, 0.25], [1, 1, 0, 0, 0]])
        self.assertAlmostEqual(((losses * by_token).sum() / 5 / 0.8).item(), trainer.logged[0]["loss"], places=6)

    def test_evaluation_posts_nothing(self):
        run = RunOfTheTrainer()
        trainer = self.trainer(PADDED, run)
        losses = trainer.evaluate(PADDED)
        self.assertEqual([], run.posted)
        self.assertTrue(all(math.isfinite(loss) for loss in losses))
        self.assertNotIn("resure/mean_weight", trainer.logged[0])

    def test_the_log_tells_of_weights_and_fallbacks(self):
        trainer = self.trainer(PADDED)
        trainer.train()
        for name in ("mean_weight", "effective_sample_ratio", "fallback/local/timeout"):
            self.assertIn("resure/" + name, trainer.logged[0])

    def test_a_step_with_logits_that_are_not_finite_changes_nothing(self):
        model = CausalModel()
        model.poison = 3  # the first micro-batch of the second of three steps
        seen = []
        trainer = self.trainer(PADDED + PADDED[:2], model=model)
        step = trainer.optimizer.step

        def watched():
            before = [parameter.detach().clone() for parameter in model.parameters()]
            step()
            seen.append(all(torch.equal(a, b) for a, b in zip(before, model.parameters())))
        trainer.optimizer.step = watched
        trainer.train()
        self.assertEqual([False, True, False], seen)
        self.assertEqual(3, trainer.state.global_step)

    def test_loss_paths_without_token_losses_are_refused(self):
        for arguments in ({"use_liger_kernel": True}, {"loss_type": "dft"}, {"loss_type": "chunked_nll"}):
            with self.subTest(arguments), self.assertRaisesRegex(ValueError, "loss of each token"):
                self.trainer(PADDED, **arguments)
        with self.assertRaisesRegex(ValueError, "denominator"):
            self.trainer(PADDED, world_size=2, average_tokens_across_devices=False)
        trainer = self.trainer(PADDED)
        trainer.model.forward = lambda **_: {"loss": torch.tensor(1.0)}
        with self.assertRaisesRegex(ValueError, "fused or chunked"):
            trainer.train()
        with self.assertRaisesRegex(ValueError, "context parallelism"):
            trainer.compute_loss(trainer.model, {**PADDED[0], "shift_labels": PADDED[0]["labels"]})
        with self.assertRaisesRegex(ValueError, "num_items_in_batch"):
            self.trainer(PADDED).compute_loss(CausalModel(), PADDED[0])

    def test_the_trainer_of_trl_compiles(self):
        source = (HERE.parent / "train_trl.py").read_text(encoding="utf-8")
        compile(source, "train_trl.py", "exec")

    def test_a_chat_template_that_marks_nothing_is_refused(self):
        from train_transformers import tokenized

        class Tokenizer:
            def __init__(self, masks):
                self.masks = masks

            def apply_chat_template(self, messages, **options):
                return {"input_ids": [4, 5, 6], "assistant_masks": self.masks}
        self.assertEqual({"input_ids": [4, 5, 6], "labels": [-100, 5, 6]},
                         tokenized(Tokenizer([0, 1, 1]), {"messages": []}, 9))
        with self.assertRaisesRegex(ValueError, "generation"):
            tokenized(Tokenizer([0, 0, 0]), {"messages": []}, 9)


if __name__ == "__main__":
    unittest.main()
