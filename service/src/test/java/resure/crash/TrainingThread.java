package resure.crash;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import resure.contract.Answer;

/**
 * A client: now a rank of one run, now of another, with any replica. It does what a trainer does
 * that is not answered: it asks another replica with the same key, for a while, and goes on
 * without. Now and then it starts a trainer anew, or deletes a run and creates it again.
 */
final class TrainingThread implements Runnable {

  /** Shorter than some pauses of a replica: what is given up may be served much later. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  /** Longer than any pause: a deletion that is served later would explain too much. */
  private static final Duration LONG_PATIENCE = Duration.ofSeconds(30);

  private static final int TRIES = 8;
  private static final int MOST_PAUSE_MILLIS = 250;

  private final Ledger ledger;
  private final List<Replica> replicas;
  private final List<TrainedRun> runs;
  private final Random random;
  private final BooleanSupplier over;

  /** A client that goes on until it is over. */
  TrainingThread(
      Ledger ledger,
      List<Replica> replicas,
      List<TrainedRun> runs,
      long seed,
      BooleanSupplier over) {
    this.ledger = ledger;
    this.replicas = replicas;
    this.runs = runs;
    this.random = new Random(seed);
    this.over = over;
  }

  @Override
  public void run() {
    while (!over.getAsBoolean()) {
      // Some runs are wanted by many at a time.
      TrainedRun run = runs.get(random.nextInt(1 + random.nextInt(runs.size())));
      int roll = random.nextInt(1000);
      if (!run.begun() || roll < 12) {
        if (run.changing().tryLock()) {
          try {
            change(run, roll);
          } finally {
            run.changing().unlock();
          }
        }
      } else if (roll < 70) {
        repeat(run);
      } else if (roll < 150) {
        read(run);
      } else {
        post(run);
      }
      pause(random.nextInt(20));
    }
  }

  private void change(TrainedRun run, int roll) {
    String name = run.name();
    boolean begins = !run.begun();
    boolean again = begins || roll < 4;
    if (again) {
      if (!begins) {
        insist(new Intent.Delete(name, run.nextIntent()));
      }
      Call created = insist(new Intent.Create(name, run.nextIntent(), configuration(run)));
      if (!created.done()) {
        return;
      }
    } else if (roll < 6) {
      insist(new Intent.Finish(name, run.nextIntent()));
    }
    Intent.Rewind start = run.nextStart(again, random);
    if (run.pace() == TrainedRun.Pace.WITHOUT_STEPS) {
      run.started(start, random);
    } else {
      // Each rank may say it.
      boolean both = random.nextBoolean();
      CompletableFuture<Call> other = both ? call(start, LONG_PATIENCE) : null;
      Call rewound = insist(start);
      if (rewound.done() || (other != null && other.join().done())) {
        run.started(start, random);
      }
    }
  }

  /** Tries until it is decided; the faults that are in the way are healed some time. */
  private Call insist(Intent intent) {
    Call call = call(intent, LONG_PATIENCE).join();
    while (!call.done() && call.worthRepeating()) {
      pause(random.nextInt(MOST_PAUSE_MILLIS));
      call = again(call, LONG_PATIENCE);
    }
    return call;
  }

  private void post(TrainedRun run) {
    TrainedRun.Task task = run.next(random);
    if (task == null) {
      return;
    }
    try {
      deliver(run, new Intent.Post(run.name(), task.batch()));
    } finally {
      task.over().run();
    }
  }

  private void deliver(TrainedRun run, Intent.Post post) {
    boolean known = post.key() != null;
    // A client that cannot wait may ask two at once.
    CompletableFuture<Call> other = known && random.nextInt(10) == 0 ? call(post, PATIENCE) : null;
    Call call = call(post, PATIENCE).join();
    for (int tries = 1; tries < TRIES; tries++) {
      if (!call.worthRepeating() || (!known && !call.refused())) {
        break;
      }
      pause(random.nextInt(MOST_PAUSE_MILLIS));
      call = again(call, PATIENCE);
    }
    if (other != null) {
      other.join();
    }
    if (call.done()) {
      run.answered(post.batch());
    }
  }

  private void repeat(TrainedRun run) {
    SentBatch batch = run.anyAnswered(random);
    if (batch != null) {
      call(new Intent.Post(run.name(), batch), PATIENCE).join();
    }
  }

  private void read(TrainedRun run) {
    Call read = call(new Intent.Read(run.name(), random.nextInt(4) > 0, 0), PATIENCE).join();
    Answer answer = read.answer();
    if (answer != null && read.done()) {
      // Whoever has seen a sequence can see at least that everywhere.
      long seen = answer.json().get("sequence").asLong();
      call(new Intent.Read(run.name(), true, seen), PATIENCE).join();
    }
  }

  private CompletableFuture<Call> call(Intent intent, Duration patience) {
    return call(intent, random.nextInt(replicas.size()), patience);
  }

  /** The same of another replica. */
  private Call again(Call call, Duration patience) {
    int others = 1 + random.nextInt(Math.max(1, replicas.size() - 1));
    return call(call.intent(), (call.replica() + others) % replicas.size(), patience).join();
  }

  private CompletableFuture<Call> call(Intent intent, int replica, Duration patience) {
    return ledger.call(intent, replica, replicas.get(replica).port(), patience);
  }

  private static void pause(long millis) {
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
  }

  private String configuration(TrainedRun run) {
    List<String> fields =
        List.of(
            "\"warmUp\":" + (2 + random.nextInt(6)),
            "\"maxTurns\":" + (2 + random.nextInt(7)),
            "\"halfLife\":"
                + (random.nextBoolean() ? "null" : String.valueOf(20 + random.nextInt(200))),
            "\"lag\":" + (run.pace() == TrainedRun.Pace.FREELY ? random.nextInt(3) : 0),
            "\"fold\":\"" + oneOf("winsorized", "raw") + '"',
            "\"normalization\":\"" + oneOf("none", "batchMean", "runMean") + '"',
            "\"propagation\":{\"strength\":" + oneOf("0.0", "0.5", "1.5") + "}",
            "\"weighting\":{\"function\":\""
                + oneOf("clip", "exponential", "cauchy", "hard")
                + "\"}");
    return fields.stream()
        .filter(field -> random.nextInt(3) > 0)
        .collect(Collectors.joining(",", "{", "}"));
  }

  private String oneOf(String... choices) {
    return choices[random.nextInt(choices.length)];
  }
}
