"""The trainers against the real service, which is killed and started again while they train."""
import ast
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from scripted import HERE, needs_torch, skip
from service import MISSING, Service, free_ports

needs_torch("the trainers against the real service")

from resure import Run

SERVICE = None


def setUpModule():
    global SERVICE
    if MISSING:
        skip("the trainers against the real service", MISSING)
    SERVICE = Service()


def tearDownModule():
    if SERVICE:
        SERVICE.close()


class Trainer:
    """An example in a child process; `ranks` of them where it is data-parallel."""

    def __init__(self, example, *arguments, ranks=1, announced=-1, waiting=(-1,), directory=None):
        port, = free_ports(1)
        self.records, self.processes, self.said = [], [], []
        for rank in range(ranks):
            self.records.append(os.path.join(directory, f"record-{rank}"))
            place = {"RANK": str(rank), "WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            self.processes.append(subprocess.Popen(
                [sys.executable, str(HERE / "recorded.py"), self.records[-1], example, str(announced),
                 ",".join(map(str, waiting)), "--address", SERVICE.address, *map(str, arguments)],
                env={**os.environ, "OMP_NUM_THREADS": "1", **(place if ranks > 1 else {})}, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))

    def until(self, words):
        for line in self.processes[0].stdout:
            self.said.append(line)
            if line.startswith(words):
                return
        raise AssertionError(f"the trainer ended before '{words}':\n" + "".join(self.said))

    def go_on(self):
        self.processes[0].stdin.write("go\n")
        self.processes[0].stdin.flush()

    def finished(self):
        """The counts of each rank, as printed."""
        counts = []
        for process in self.processes:
            said = process.communicate(timeout=90)[0]
            if process.returncode != 0:
                raise AssertionError(f"exit {process.returncode}:\n" + "".join(self.said) + said)
            last = next(line for line in said.splitlines() if "fallbacks:" in line)
            counts.append((int(last.partition("fallbacks:")[2].split()[0]), ast.literal_eval(last[last.index("{"):])))
        return counts

    def recorded(self):
        batches = {}
        for record in self.records:
            for batch in map(json.loads, pathlib.Path(record).read_text(encoding="utf-8").splitlines()):
                batches[tuple(batch["batch"])] = batch
        return batches

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


class TrainingTest(unittest.TestCase):
    def started(self, *arguments, **options):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        trainer = Trainer(*arguments, directory=directory.name, **options)
        self.addCleanup(trainer.end)
        return trainer

    def assertDelivered(self, run, trainer, number, otherwise=0):
        """Every batch is recorded once, with its losses and, but for at most `otherwise`, the weights applied."""
        batches, recorded = SERVICE.batches(run), trainer.recorded()
        self.assertEqual(number, len(recorded))
        self.assertEqual(set(recorded), set(batches))
        others = 0
        for place, (sequences, rows) in batches.items():
            self.assertEqual(1, len(sequences), place)
            applied = [tuple(row) for row in recorded[place]["rows"]]
            self.assertEqual([row[:3] for row in applied], [row[:3] for row in rows], place)
            others += applied != rows
        self.assertLessEqual(others, otherwise)

    def test_trainers_survive_a_killed_service(self):
        examples = {"plain": (["train", "--steps", 60], 1, 60),
                    "local": (["train", "--steps", 60, "--mode", "local"], 1, 60),
                    "two-ranks": (["train_parallel", "--steps", 60], 2, 120)}
        trainers = {run: self.started(*arguments, "--run", run, ranks=ranks, announced=15, waiting=(30, 45))
                    for run, (arguments, ranks, _) in examples.items()}
        for trainer in trainers.values():
            trainer.until("at step 15")
        SERVICE.kill()  # while they go on
        for trainer in trainers.values():
            trainer.until("at step 30")
            trainer.go_on()  # 15 steps without a service
        for trainer in trainers.values():
            trainer.until("at step 45")
        SERVICE.start()
        for trainer in trainers.values():
            trainer.go_on()
        for run, trainer in trainers.items():
            _, ranks, batches = examples[run]
            with self.subTest(run):
                counts = trainer.finished()
                self.assertEqual(ranks, len(counts))
                for fallbacks, count in counts:
                    found = [count.get(name, 0) for name in ("delivered", "dropped", "refused")]
                    self.assertEqual([batches, 0, 0], found, count)
                    if run != "local":
                        self.assertGreaterEqual(fallbacks, 15, count)
                otherwise = sum(count["recordedOtherwise"] for _, count in counts)
                self.assertDelivered(run, trainer, ranks * batches, otherwise)
                self.assertEqual("finished", SERVICE.run(run)["state"])

    def test_two_ranks_get_the_weights_of_one_process_that_posts_for_both_bit_for_bit(self):
        trainer = self.started("train_parallel", "--run", "parallel", "--steps", 30, "--deadline", 60, ranks=2)
        self.assertEqual([0, 0], [fallbacks for fallbacks, _ in trainer.finished()])
        recorded = trainer.recorded()
        self.assertEqual(120, len(recorded))
        runs = [Run(SERVICE.address, "parallel-alone", rank=rank, attempt="a", deadline=60) for rank in range(2)]
        for step in range(30):
            for rank, micro_batch in ((1, 1), (0, 1), (1, 0), (0, 0)):
                batch = recorded[step, rank, micro_batch]
                weights = runs[rank].weigh(step, batch["dialogues"], micro_batch)
                self.assertEqual(batch["weights"], weights, batch["batch"])
        for run in runs:
            self.assertEqual({"delivered": 60}, +run.counts)
            run.close()
        self.assertGreater(sum(w < 1 for b in recorded.values() for row in b["weights"] for w in row if w), 100)
        for run in ("parallel", "parallel-alone"):
            self.assertEqual(0, SERVICE.run(run)["lateBatches"])
            self.assertEqual(set(recorded), set(SERVICE.batches(run)))

    def test_a_trainer_that_resumes_from_its_checkpoint_sends_the_later_steps_again(self):
        with tempfile.TemporaryDirectory() as directory:
            checkpoint = os.path.join(directory, "checkpoint")
            first = self.started("train", "--run", "resumed", "--steps", 70, "--checkpoint", checkpoint,
                                 "--deadline", 60)
            (_, counts), = first.finished()
            self.assertEqual(70, counts["delivered"])
            second = self.started("train", "--run", "resumed", "--steps", 90, "--checkpoint", checkpoint, "--resume",
                                  "--deadline", 60)
            (fallbacks, counts), = second.finished()
        self.assertEqual((0, 40), (fallbacks, counts["delivered"]))
        before, after = first.recorded(), second.recorded()
        self.assertEqual([(step, 0, 0) for step in range(50, 90)], sorted(after))
        expected = {**before, **after}
        batches = SERVICE.batches("resumed")
        self.assertEqual(sorted(expected), sorted(batches))
        for place, (sequences, rows) in batches.items():
            self.assertEqual(1, len(sequences))
            self.assertEqual([tuple(row) for row in expected[place]["rows"]], rows)
        self.assertEqual([b["weights"] for p, b in sorted(before.items()) if p in after],
                         [after[p]["weights"] for p in sorted(after) if p in before])


    def test_the_ten_lines_of_the_readme(self):
        code = (HERE.parent / "README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
        code = code.replace("http://127.0.0.1:8080", SERVICE.address)
        ran = subprocess.run([sys.executable, "-c", code], cwd=HERE.parent, capture_output=True, text=True, timeout=60)
        self.assertEqual((0, ""), (ran.returncode, ran.stderr))
        self.assertEqual("[[1.0, None, 1.0]]", ran.stdout.splitlines()[0])
        self.assertEqual("finished", SERVICE.run("sft-42")["state"])


if __name__ == "__main__":
    unittest.main()
