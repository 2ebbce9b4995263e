"""Of a training run: what the arms share, what all weights 1 are, and that the service's weights are those applied."""

import pathlib
import random
import sys
import unittest

try:
    import numpy
    import torch
except ImportError as missing:
    raise unittest.SkipTest(f"{missing}: training is not tested")

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import plan
from data import Dialogue, rng
from experiment import RATE, Data, evaluate, prefiltered, train
from model import Batch, Model, turn_losses
from packaged import MISSING, Packaged
from service import Service


def made_up(count, domain):
    generator = rng("made up", domain)
    sentence = lambda: tuple(generator.randrange(5, 900) for _ in range(generator.randrange(3, 10)))
    return [
        Dialogue(f"{domain}-{i}", domain, tuple((sentence(), sentence()) for _ in range(generator.randrange(3, 7))))
        for i in range(count)
    ]


SCENARIO = plan.SCENARIOS["p40"] | {
    "domains": ("events", "restaurants"),
    "dialogues": 64,
    "rareDialogues": 6,
    "heldout": 20,
}
DIALOGUES = made_up(80, "events") + made_up(30, "restaurants") + made_up(30, "homes")
CLEAN = SCENARIO | {"sources": (("all", 1.0, 0.0),)}


class Weights:
    """In the service's place: answers one weight for all, or weights made from the observations' names."""

    def __init__(self, all_of=None):
        self.all_of = all_of

    def begin(self, run, configuration):
        self.configuration = configuration

    def weigh(self, run, step, dialogues):
        def one(dialogue, turn):
            if self.all_of is not None:
                return self.all_of
            return random.Random(f"{step}/{dialogue['id']}/{turn}").uniform(0.05, 1)

        return {"weights": [[one(d, turn) for turn in range(len(d["losses"]))] for d in dialogues]}

    def call(self, method, path, content=None):
        return None


def base_model():
    torch.manual_seed(1)
    return Model()


def parameters(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


class TrainingTest(unittest.TestCase):
    def train(self, arm, data, service=None, seed=3):
        service = service or Weights(all_of=1.0 if arm["weights"] == "uniform" else None)
        return train(base_model(), data, arm, service, "a-run", 1, seed)

    def test_all_weights_one_train_the_model_of_an_unweighted_loop_bit_for_bit(self):
        data = Data(DIALOGUES, SCENARIO, 3)
        model, _, _ = self.train({"weights": "service"}, data, Weights(all_of=1.0))
        plain = base_model()
        optimizer = torch.optim.Adam(plain.parameters(), RATE)
        for chosen in data.batches(1, 3):
            losses = plain.token_losses(Batch([data.encoded[i] for i in chosen]))
            optimizer.zero_grad()
            (losses.sum() / len(losses)).backward()
            optimizer.step()
        self.assertTrue(torch.equal(parameters(model), parameters(plain)))
        self.assertFalse(torch.equal(parameters(model), parameters(base_model())))

    def test_weights_are_not_divided_out_again(self):
        data = Data(DIALOGUES, SCENARIO, 3)
        half, whole = (self.train({"weights": "service"}, data, Weights(all_of=weight))[1][0] for weight in (0.5, 1.0))
        self.assertAlmostEqual(half / whole, 0.5, places=6)  # norms of the first step's gradient

    def test_arms_under_a_seed_see_the_same_turns_in_the_same_order(self):
        arms = (
            {"weights": "uniform"},
            {"weights": "service"},
            {"weights": "shuffled"},
            {"weights": "rate"},
            {"weights": "oracle"},
            {"weights": "prefilter", "share": 0.1},
        )
        traces = [self.train(arm, Data(DIALOGUES, SCENARIO, 3))[2] for arm in arms]
        for trace in traces[1:]:
            self.assertEqual([row[:3] for row in trace], [row[:3] for row in traces[0]])
            first = [row[3] for row in trace if row[0] == 0]
            self.assertEqual(first, [row[3] for row in traces[0] if row[0] == 0])
        self.assertEqual(len({tuple(row[4] for row in trace) for trace in traces[:3]}), 3)

    def test_another_seed_is_another_order(self):
        traces = [self.train({"weights": "uniform"}, Data(DIALOGUES, SCENARIO, 3), seed=seed)[2] for seed in (3, 4)]
        self.assertNotEqual([row[:3] for row in traces[0]], [row[:3] for row in traces[1]])

    def test_the_oracle_leaves_out_what_is_corrupted_and_nothing_where_nothing_is(self):
        data = Data(DIALOGUES, SCENARIO, 3)
        _, _, trace = self.train({"weights": "oracle"}, data)
        self.assertEqual(
            {row[1:3] for row in trace if row[4] == 0},
            {key for key in data.labels if key in {row[1:3] for row in trace}},
        )
        clean = Data(DIALOGUES, CLEAN, 3)
        oracle, uniform = (parameters(self.train({"weights": kind}, clean)[0]) for kind in ("oracle", "uniform"))
        self.assertTrue(torch.equal(oracle, uniform))

    def test_a_turn_of_weight_zero_teaches_nothing(self):
        data = Data(DIALOGUES, SCENARIO, 3)
        batch = Batch(data.encoded[:4])
        weights = torch.ones(len(batch.turns))
        weights[5] = 0
        gradients = []
        for targets in (
            batch.targets,
            torch.where(batch.slot == 5, torch.full_like(batch.targets, 77), batch.targets),
        ):
            model = base_model()
            batch.targets = targets
            losses = model.token_losses(batch)
            ((weights[batch.slot] * losses).sum() / len(losses)).backward()
            gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
        self.assertTrue(torch.equal(*gradients))

    def test_the_prefilter_drops_the_highest_base_losses_of_each_turn(self):
        data, base = Data(DIALOGUES, SCENARIO, 3), base_model()
        dropped = prefiltered(base, data, 0.25)
        losses = turn_losses(base, data.encoded)
        for turn in range(6):
            of_turn = {d.id: row[turn] for d, row in zip(data.training, losses) if len(row) > turn}
            out = [loss for identity, loss in of_turn.items() if (identity, turn) in dropped]
            kept = [loss for identity, loss in of_turn.items() if (identity, turn) not in dropped]
            self.assertEqual(len(out), round(0.25 * len(of_turn)))
            self.assertTrue(not out or min(out) >= max(kept), turn)

    def test_a_rate_of_mean_weight_moves_the_model_less_and_weighs_nothing(self):
        data = Data(DIALOGUES, SCENARIO, 3)
        slow, uniform = (self.train({"weights": kind}, data) for kind in ("rate", "uniform"))
        moved = lambda result: float((parameters(result[0]) - parameters(base_model())).norm())
        self.assertLess(moved(slow), moved(uniform))
        self.assertNotEqual(slow[2][0][4], 1.0)

    def test_recall_of_an_untrained_model_is_chance(self):
        data = Data(DIALOGUES, CLEAN | {"heldout": 60, "dialogues": 32}, 3)
        untrained = base_model()
        scores = evaluate(untrained, data, turn_losses(untrained, data.heldout_encoded), 3)
        self.assertTrue(0 <= scores["recall"] <= 0.3, scores["recall"])
        self.assertAlmostEqual(scores["loss"], numpy.log(1000), delta=0.2)


@unittest.skipIf(MISSING, MISSING)
class WithTheServiceTest(unittest.TestCase):
    def test_the_weights_applied_are_those_that_the_service_recorded(self):
        data = Data(DIALOGUES, SCENARIO, 3)
        with Packaged() as address:
            service = Service(address)
            self.addCleanup(service.close)
            arm = plan.ARMS[plan.CHOSEN]
            self.assertFalse(service.knows("weighed"))
            _, _, trace = train(base_model(), data, arm, service, "weighed", 2, 3)
            self.assertTrue(service.knows("weighed"))
            exported = service.export("weighed")
            self.assertEqual(
                [(row["step"], row["dialogue"], row["turn"], row["loss"], row["weight"]) for row in exported], trace
            )
            self.assertLess(min(row[4] for row in trace), 1.0)
            self.assertEqual({row["source"] for row in exported}, {"all"})
            uniform, _, _ = train(base_model(), data, plan.ARMS["uniform"], service, "uniform", 2, 3)
            plain, _, _ = train(base_model(), data, {"weights": "uniform"}, Weights(all_of=1.0), "plain", 2, 3)
            self.assertTrue(torch.equal(parameters(uniform), parameters(plain)))
