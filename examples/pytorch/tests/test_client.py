"""The client against a service that is slow, cut, wrong, full, gone, or taken over by another attempt."""
import json
import math
import threading
import time
import unittest

from scripted import ScriptedService, cut, fine, held, held_body, problem, scores, text

from resure import Run

DIALOGUES = [{"id": "d-1", "source": "s", "losses": [1.9, None, 2.1]}, {"id": "d-2", "losses": [4.0, math.nan]}]
ANSWERED = [[0.5, None, 0.5], [0.5, 0.5]]
BY_HAND = [[1.0, None, 1.0], [0.05, 0.0]]  # against the scripted statistics: (4 - 2) / 0.5 is 4 deviations


class ClientTest(unittest.TestCase):
    def opened(self, *script, mode="remote", deadline=10.0, attempt="a-1", bound=1000, **service):
        self.service = ScriptedService(*script, **service)
        self.addCleanup(self.service.close)
        run = Run(self.service.address, "r", mode=mode, attempt=attempt, deadline=deadline, bound=bound, token="secret")
        self.addCleanup(run.close, 0)
        return run

    def timed(self, run, *arguments):
        before = time.monotonic()
        weights = run.weigh(*arguments)
        return weights, time.monotonic() - before

    def delivered(self, run, number):
        with run._changed:
            self.assertTrue(run._changed.wait_for(lambda: run.counts["delivered"] == number, 20), run.counts)

    def test_the_answer_of_the_service_is_taken(self):
        run = self.opened()
        self.assertEqual(ANSWERED, run.weigh(7, DIALOGUES, 3))
        self.assertEqual(0.8, run.mean_weight)
        headers, body = self.service.batches()[0]
        self.assertEqual("r/a-1/7/0/3", headers["Idempotency-Key"])
        self.assertEqual("Bearer secret", headers["Authorization"])
        self.assertEqual((7, 0, 3, "a-1"), tuple(body[name] for name in ("step", "rank", "microBatch", "attempt")))
        self.assertTrue(math.isnan(body["dialogues"][1]["losses"][1]))
        self.assertEqual({"delivered": 1}, +run.counts)

    def test_a_key_that_is_no_header_is_hashed(self):
        run = self.opened(attempt="größer " * 50)
        run.weigh(7, DIALOGUES)
        self.assertRegex(self.service.batches()[0][0]["Idempotency-Key"], "^[0-9a-f]{64}$")

    def test_what_is_normalized_by_the_service_is_not_divided_again(self):
        run = self.opened(configuration={"normalization": "runMean"})
        run.weigh(7, DIALOGUES)
        self.assertEqual(1.0, run.mean_weight)

    def test_transient_failures_are_sent_again_with_the_same_key_and_the_answer_is_taken(self):
        bad = scores({"dialogues": DIALOGUES})
        lines = {
            "cut": cut, "500": problem(500, "internal"), "503": problem(503, "store-unavailable"),
            "outcome unknown": problem(503, "outcome-unknown"), "502": text("<html>", "text/html", 502),
            "not JSON": text("<html>login</html>", "text/html"), "no object": text("[1]"),
            "truncated": text('{"weights": ['), "no weights": text(json.dumps({**bad, "weights": []})),
            "shape": text(json.dumps({**bad, "weights": [[1.0], [1.0]]})),
            "null": text(json.dumps({**bad, "weights": [[1.0, None, None], [1.0, 1.0]]})),
            "NaN": text(json.dumps({**bad, "weights": [[1.0, None, math.nan], [1.0, 1.0]]})),
            "negative": text(json.dumps({**bad, "weights": [[1.0, None, -1.0], [1.0, 1.0]]})),
            "strings": text(json.dumps({**bad, "weights": [["a", None, "b"], ["c", "d"]]})),
            "no summary": text(json.dumps({**bad, "summary": {}})),
            "bad statistics": text(json.dumps({**bad, "statistics": {"turns": [{"turn": 0}]}})),
            "redirect": text("", status=302, Location="http://127.0.0.1:1/")}
        for name, line in lines.items():
            with self.subTest(name):
                run = self.opened(line)
                self.assertEqual(ANSWERED, run.weigh(7, DIALOGUES))
                (first, _), (second, _) = self.service.batches()
                self.assertEqual(first["Idempotency-Key"], second["Idempotency-Key"])
                self.assertEqual({"delivered": 1}, +run.counts)

    def test_retry_after_is_obeyed(self):
        run = self.opened(problem(429, "queue-full", Retry_After=1))
        weights, seconds = self.timed(run, 7, DIALOGUES)
        self.assertEqual(ANSWERED, weights)
        self.assertGreaterEqual(seconds, 1)

    def test_a_429_without_retry_after_is_tried_again(self):
        run = self.opened(problem(429, "queue-full"), text("", status=429, Retry_After="soon"))
        self.assertEqual(ANSWERED, run.weigh(7, DIALOGUES))

    def test_the_deadline_holds_and_what_was_given_up_is_delivered_later_in_order(self):
        for line in (held, held_body):
            with self.subTest(line.__name__):
                run = self.opened(line, deadline=0.3)
                weights, seconds = self.timed(run, 0, DIALOGUES)
                self.assertEqual(BY_HAND, weights)
                self.assertLess(seconds, 0.3 + 0.5)
                for step in range(1, 4):  # these do not wait for what is late already
                    weights, seconds = self.timed(run, step, DIALOGUES)
                    self.assertEqual(BY_HAND, weights)
                    self.assertLess(seconds, 0.25)
                self.assertEqual({"fallback/local/timeout": 1, "fallback/local/unavailable": 3}, +run.counts)
                self.service.released.set()
                self.delivered(run, 4)
                self.assertEqual(1, run.counts["recordedOtherwise"])  # recorded with the answer's weights, not ours
                self.assertEqual([0, 1, 2, 3], [body["step"] for _, body in self.service.batches()])
                self.assertEqual(BY_HAND, [d["weights"] for d in self.service.batches()[3][1]["dialogues"]])
                self.assertEqual(ANSWERED, run.weigh(4, DIALOGUES, 0))  # and the service is waited for again

    def test_no_step_waits_behind_batches_that_are_still_to_go_out(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        def second(handler, batch):
            gate.wait(30)
            fine(handler, batch)
        run = self.opened(held, second, deadline=0.3)
        for step in range(3):
            run.weigh(step, DIALOGUES)
        self.service.released.set()
        self.service.wait_for(lambda: len(self.service.batches()) == 2)  # so the first has been answered
        weights, seconds = self.timed(run, 3, DIALOGUES)
        self.assertEqual(BY_HAND, weights)
        self.assertLess(seconds, 0.25)
        gate.set()
        self.delivered(run, 4)

    def test_a_batch_recorded_without_its_weights_is_delivered_and_counted(self):
        def lost(handler, batch):  # recorded, but the answer gets lost, and so long that the trainer goes on
            handler.server.service.released.wait(30)
            handler.close_connection = True
        run = self.opened(lost, problem(422, "key-reused"), deadline=0.3)
        self.assertEqual(BY_HAND, run.weigh(0, DIALOGUES))
        self.service.released.set()
        self.delivered(run, 1)
        (first, bare), (second, weighed) = self.service.batches()
        self.assertEqual(first["Idempotency-Key"], second["Idempotency-Key"])
        self.assertNotIn("weights", bare["dialogues"][0])
        self.assertEqual(BY_HAND, [dialogue["weights"] for dialogue in weighed["dialogues"]])
        self.assertEqual({"delivered": 1, "recordedOtherwise": 1, "fallback/local/timeout": 1}, +run.counts)

    def test_a_key_that_was_used_for_another_batch_is_refused(self):
        run = self.opened(problem(422, "key-reused"), mode="local")
        with self.assertLogs("resure", "WARNING"):
            run.weigh(0, DIALOGUES)
            run.close()
        self.assertEqual({"refused": 1}, +run.counts)

    def test_a_refused_batch_is_dropped_and_the_next_one_goes_on(self):
        run = self.opened(problem(422, "invalid-field"), fine)
        with self.assertLogs("resure", "WARNING") as log:
            self.assertEqual(BY_HAND, run.weigh(0, DIALOGUES))
        self.assertIn("invalid-field", log.output[0])
        self.assertEqual(ANSWERED, run.weigh(1, DIALOGUES))
        self.assertEqual({"refused": 1, "delivered": 1, "fallback/local/refused": 1}, +run.counts)

    def test_an_attempt_that_was_taken_over_stops_posting_and_goes_on_training(self):
        run = self.opened(problem(409, "stale-attempt"))
        with self.assertLogs("resure", "WARNING") as log:
            self.assertEqual(BY_HAND, run.weigh(0, DIALOGUES))
            self.assertEqual(BY_HAND, run.weigh(1, DIALOGUES))
        self.assertEqual(1, len(log.output))
        self.assertEqual(1, len(self.service.batches()))
        self.assertEqual({"refused": 1, "fallback/local/stopped": 2}, +run.counts)

    def test_local_mode_does_not_wait_and_posts_what_it_applied(self):
        run = self.opened(held, mode="local")
        for step in range(3):
            weights, seconds = self.timed(run, step, DIALOGUES)
            self.assertEqual(BY_HAND, weights)
            self.assertLess(seconds, 0.25)
        self.assertEqual(0.8, run.mean_weight)
        self.service.released.set()
        run.close()
        self.assertEqual({"delivered": 3}, +run.counts)
        for step, (_, body) in enumerate(self.service.batches()):
            self.assertEqual(step, body["step"])
            self.assertEqual(BY_HAND, [dialogue["weights"] for dialogue in body["dialogues"]])

    def test_through_an_outage_training_goes_on_the_newest_are_kept_and_delivered_in_order(self):
        run = self.opened(deadline=0.3, bound=5)
        self.service.close()
        run._http.close()  # the kept connection would outlive the scripted service
        weights = [run.weigh(step, DIALOGUES) for step in range(12)]
        self.assertEqual([BY_HAND] * 12, weights)
        self.assertEqual(7, run.counts["dropped"])
        self.assertEqual(12, sum(n for name, n in run.counts.items() if name.startswith("fallback/local/")))
        again = ScriptedService(port=self.service.port)
        self.addCleanup(again.close)
        self.delivered(run, 5)
        # The first one was being sent all the time; of the others the oldest are gone.
        self.assertEqual([0, 8, 9, 10, 11], [body["step"] for _, body in again.batches()])
        self.assertEqual(BY_HAND, [dialogue["weights"] for dialogue in again.batches()[0][1]["dialogues"]])
        self.assertEqual(ANSWERED, run.weigh(12, DIALOGUES))

    def test_a_service_that_was_never_there_costs_weight_1_and_is_found_when_it_comes(self):
        gone = ScriptedService()
        gone.close()
        addresses = [gone.address, "http://no-such-host.invalid", gone.address.replace("http:", "https:")]
        runs = [None] * len(addresses)

        def run_open(i):
            runs[i] = Run(addresses[i], "r", deadline=0.2, attempt="a-1")
        threads = [threading.Thread(target=run_open, args=[i]) for i in range(len(addresses))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for run in runs:
            weights, seconds = self.timed(run, 0, DIALOGUES)
            self.assertEqual([[1.0, None, 1.0], [1.0, 0.0]], weights)
            self.assertEqual(1.0, run.mean_weight)
            self.assertLess(seconds, 0.25)
            self.assertEqual({"fallback/one/unavailable": 1}, +run.counts)
        back = ScriptedService(port=gone.port)  # the TLS client finds no TLS there
        self.addCleanup(back.close)
        self.delivered(runs[0], 1)
        self.assertEqual(["PUT", "GET", "POST"], [m for m, _, headers, _ in back.requests])
        before = time.monotonic()
        for run in runs:
            run.close(0.3)
        self.assertLess(time.monotonic() - before, 3)
        self.assertEqual(1, runs[1].counts["dropped"])

    def test_a_run_that_the_service_refuses_is_an_error_at_its_opening(self):
        for status, kind in ((409, "run-conflict"), (422, "invalid-field"), (401, "unauthorized")):
            service = ScriptedService(opening=problem(status, kind))
            self.addCleanup(service.close)
            with self.subTest(kind), self.assertLogs("resure"), self.assertRaisesRegex(ValueError, kind):
                Run(service.address, "r", {"warmUp": 3})

    def test_a_rewind_drops_what_waits_and_fences(self):
        run = self.opened(held, mode="local")
        for step in range(5):
            run.weigh(step, DIALOGUES)
        self.service.wait_for(lambda: len(self.service.batches()) == 1)
        thread = threading.Thread(target=run.rewind, args=[3])
        thread.start()
        with run._changed:
            self.assertTrue(run._changed.wait_for(lambda: run.counts["dropped"] == 5, 10), run.counts)
        self.service.released.set()
        thread.join(10)
        run.weigh(3, DIALOGUES)
        run.close()
        paths = [(path, body) for method, path, _, body in self.service.requests if method == "POST"]
        self.assertEqual(["r/observations?include=statistics", "r/rewind", "r/observations?include=statistics"],
                         [path for path, _ in paths])
        self.assertEqual({"nextStep": 3, "attempt": "a-1"}, paths[1][1])
        self.assertEqual(1, run.counts["delivered"])

    def test_a_rewind_while_the_service_is_away_forgets_its_statistics_and_is_done_when_it_is_back(self):
        run = self.opened()
        run.weigh(0, DIALOGUES)
        self.service.close()
        run._http.close()  # the kept connection would outlive the scripted service
        self.assertFalse(run.rewind(0))
        self.assertEqual([[1.0, None, 1.0], [1.0, 0.0]], run.weigh(0, DIALOGUES))
        self.assertEqual({"delivered": 1, "fallback/one/unavailable": 1}, +run.counts)
        again = ScriptedService(port=self.service.port)
        self.addCleanup(again.close)
        self.delivered(run, 2)
        self.assertEqual(["r/rewind", "r/statistics", "r/observations?include=statistics"],
                         [path for _, path, _, _ in again.requests])

    def test_closing_delivers_within_its_time_and_leaves_no_thread(self):
        run = self.opened(held, mode="local", deadline=0.2)
        run.weigh(0, DIALOGUES)
        run.weigh(1, DIALOGUES)
        before = time.monotonic()
        run.close(0.3)
        self.assertLess(time.monotonic() - before, 0.3 + 0.5)
        self.assertEqual({"dropped": 2}, +run.counts)
        self.service.released.set()
        for thread in threading.enumerate():
            if thread.name == "resure":
                thread.join(10)
                self.assertFalse(thread.is_alive())
        self.assertEqual(BY_HAND, run.weigh(2, DIALOGUES))  # a closed run still weighs


if __name__ == "__main__":
    unittest.main()
