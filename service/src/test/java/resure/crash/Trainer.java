package resure.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import resure.contract.Answer;
import resure.contract.ContractValidator;

/**
 * Trains one run with two ranks, and remembers all that it was answered, outside the process that
 * is killed. What was sent last may be unanswered: then, and only then, two states of the run are
 * right. One thread at a time.
 */
final class Trainer {

  private static final String REPLAYED = "Idempotency-Replayed";

  /** A change of the run that is no batch. */
  private enum Change {
    CREATE,
    REWIND,
    FINISH,
    DELETE
  }

  private final String name;
  private final String path;
  private final String configuration;
  private final boolean steps;
  private final Random random;

  /** Answered, or found in an export, and not removed since; in no order. */
  private final List<SentBatch> standing = new ArrayList<>();

  private final List<SentBatch> unanswered = new ArrayList<>();
  private @Nullable Change unansweredChange;

  /** Of the newest change that was answered; 0 while there is no run. */
  private long sequence;

  private boolean finished;
  private long step;
  private long rewoundTo;
  private int attempts;
  private int batches;
  private int answers;
  private int recoveredUnanswered;

  Trainer(String name, String configuration, boolean steps, long seed) {
    this.name = name;
    this.path = "/v1/runs/" + name;
    this.configuration = configuration;
    this.steps = steps;
    this.random = new Random(seed);
  }

  String name() {
    return name;
  }

  /** Requests answered so far. */
  int answers() {
    return answers;
  }

  /** Unanswered batches that were there after all. */
  int recoveredUnanswered() {
    return recoveredUnanswered;
  }

  /** Trains until something stays unanswered, or until it shall stop. */
  void train(ServiceProcess service, BooleanSupplier stop) {
    while (!stop.getAsBoolean() && settled()) {
      act(service);
    }
  }

  /** Whether everything that was sent was answered. */
  boolean settled() {
    return unanswered.isEmpty() && unansweredChange == null;
  }

  private void act(ServiceProcess service) {
    int roll = random.nextInt(200);
    if (sequence == 0) {
      change(service, Change.CREATE);
    } else if (finished) {
      change(service, steps ? Change.REWIND : Change.DELETE);
    } else if (roll < 4 && steps) {
      change(service, Change.REWIND);
    } else if (roll == 4) {
      change(service, Change.FINISH);
    } else if (roll == 5) {
      change(service, Change.DELETE);
    } else if (roll < 16) {
      retryOne(service);
    } else if (roll < 24 && steps && step > 1) {
      // Of a step that is closed.
      post(service, batch(step - 2, 1, batches));
    } else {
      post(service, batch(step, 0, 0), batch(step, 1, 0));
      step++;
    }
  }

  private SentBatch batch(long ofStep, int rank, int microBatch) {
    batches++;
    String key = steps ? name + "/" + ofStep + "/" + rank + "/" + microBatch : name + "/" + batches;
    return new SentBatch(
        name + "-" + batches,
        random.nextInt(5) == 0 ? null : key,
        steps ? ofStep : SentBatch.NO_STEP,
        rank,
        microBatch,
        attempts > 0 && random.nextBoolean() ? attempt() : null,
        random);
  }

  private String attempt() {
    return "job-" + attempts;
  }

  /** Sees to it that {@link #rewindByOneStep} has something to remove. */
  void prepareRewind(ServiceProcess service) {
    while (standing.stream().noneMatch(batch -> batch.step() >= step - 1)) {
      if (sequence == 0) {
        change(service, Change.CREATE);
      } else if (finished) {
        rewind(service, step);
      } else {
        post(service, batch(step, 0, 0));
        step++;
      }
    }
  }

  /** Removes something that is there, so that the service must read the run again and save it. */
  void rewindByOneStep(ServiceProcess service) {
    rewind(service, Math.max(0, step - 1));
  }

  private void change(ServiceProcess service, Change change) {
    if (change == Change.REWIND) {
      rewind(service, Math.max(0, step - random.nextInt(5)));
    } else {
      unansweredChange = change;
      Answer answer = send(service, change);
      if (answer != null) {
        changed(change, answer);
      }
    }
  }

  private void rewind(ServiceProcess service, long nextStep) {
    rewoundTo = nextStep;
    attempts++;
    unansweredChange = Change.REWIND;
    Answer answer = send(service, Change.REWIND);
    if (answer != null) {
      changed(Change.REWIND, answer);
    }
  }

  private @Nullable Answer send(ServiceProcess service, Change change) {
    return switch (change) {
      case CREATE -> service.send("PUT", path, configuration);
      case REWIND ->
          service.send(
              "POST",
              path + "/rewind",
              "{\"nextStep\":" + rewoundTo + ",\"attempt\":\"" + attempt() + "\"}");
      case FINISH -> service.send("POST", path + "/finish", "");
      case DELETE -> service.send("DELETE", path, "");
    };
  }

  /** Takes the answer of the change that was under way. */
  private void changed(Change change, Answer answer) {
    answers++;
    require(answer.status() / 100 == 2, change + " was answered " + answer);
    unansweredChange = null;
    switch (change) {
      case CREATE -> {
        sequence = 1;
        finished = false;
        step = 0;
        attempts = 0;
      }
      case REWIND -> {
        sequence++;
        rewound();
      }
      case FINISH -> {
        sequence++;
        finished = true;
      }
      case DELETE -> gone();
    }
    if (change != Change.DELETE) {
      require(
          answer.json().get("sequence").asLong() == sequence,
          change + " is not number " + sequence + ": " + answer);
    }
  }

  private void rewound() {
    finished = false;
    step = rewoundTo;
    standing.removeIf(batch -> batch.step() >= rewoundTo);
  }

  private void gone() {
    standing.clear();
    sequence = 0;
  }

  private static CompletableFuture<@Nullable Answer> send(
      ServiceProcess service, String path, SentBatch batch) {
    String key = batch.key();
    String[] headers = key == null ? new String[0] : new String[] {"Idempotency-Key", key};
    return service.sendAsync("POST", path + "/observations", batch.body(), headers);
  }

  private void post(ServiceProcess service, SentBatch... sent) {
    long before = sequence;
    List<CompletableFuture<@Nullable Answer>> posted =
        Arrays.stream(sent).map(batch -> send(service, path, batch)).toList();
    Set<Long> sequences = new HashSet<>();
    for (int i = 0; i < sent.length; i++) {
      Answer answer = posted.get(i).join();
      if (answer == null) {
        unanswered.add(sent[i]);
      } else {
        answers++;
        require(answer.status() == 200, sent[i] + " was answered " + answer);
        require(answer.header(REPLAYED).isEmpty(), sent[i] + " was taken for another");
        sent[i].answered(answer);
        standing.add(sent[i]);
        sequences.add(sent[i].sequence());
        sequence++;
        require(
            sent[i].sequence() > before && sent[i].sequence() <= before + sent.length,
            sent[i] + " does not follow " + before);
      }
    }
    require(sequences.size() == sequence - before, "two batches of one sequence");
  }

  private void retryOne(ServiceProcess service) {
    if (!standing.isEmpty()) {
      SentBatch batch = standing.get(random.nextInt(standing.size()));
      if (batch.key() != null) {
        Answer answer = send(service, path, batch).join();
        if (answer != null) {
          replayed(batch, answer);
        }
      }
    }
  }

  private void replayed(SentBatch batch, Answer answer) {
    require(answer.status() == 200, batch + " was answered to its retry " + answer);
    require(answer.header(REPLAYED).equals("true"), batch + " was recorded again: " + answer);
    batch.answered(answer);
  }

  /**
   * After a restart: everything answered is there once, what was not answered wholly or not at all,
   * and the statistics are those that the journal alone gives. Then what stayed unanswered is sent
   * again.
   *
   * @param fold the statistics by the journal alone; null when it has no such run
   */
  void settle(ServiceProcess service, @Nullable String fold) {
    Answer run = service.get(path);
    if (run.status() == 404) {
      require(fold == null, "the run is in the journal, but " + run);
      require(sequence == 0 || unansweredChange == Change.DELETE, "the run is gone: " + run);
      if (unansweredChange == Change.DELETE) {
        gone();
        unansweredChange = null;
      }
      resend(service);
      return;
    }
    require(run.status() == 200, "instead of the run: " + run);
    require(sequence > 0 || unansweredChange == Change.CREATE, "whence? " + run);
    Answer statistics = service.get(path + "/statistics");
    require(
        statistics.text().equals(fold),
        "statistics differ:\n" + statistics + "\nby the journal alone:\n" + fold);
    long there = run.json().get("sequence").asLong();
    if (unansweredChange == Change.CREATE) {
      require(there == 1, "more than its creation: " + run);
    } else {
      boolean changed = unansweredChange != null && there == sequence + 1;
      if (changed && unansweredChange == Change.REWIND) {
        rewound();
      }
      List<SentBatch> found = findAll(exported(service));
      require(
          there == sequence + found.size() + (changed ? 1 : 0),
          "%d were answered, %s found besides, but there are %d".formatted(sequence, found, there));
      adopt(service, found);
    }
    resend(service);
    retrySome(service);
  }

  private Map<Long, List<String>> exported(ServiceProcess service) {
    Answer answer = service.get(path + "/observations");
    require(answer.status() == 200, "export: " + answer);
    return answer
        .text()
        .lines()
        .collect(Collectors.groupingBy(SentBatch::sequenceOf, TreeMap::new, Collectors.toList()));
  }

  /**
   * Finds everything that stands, and which of the unanswered batches are there; nothing else is.
   */
  private List<SentBatch> findAll(Map<Long, List<String>> export) {
    for (SentBatch batch : standing) {
      List<String> lines = export.remove(batch.sequence());
      require(lines != null, "lost: " + batch);
      batch.exported(batch.sequence(), lines);
    }
    List<SentBatch> found = new ArrayList<>();
    export.forEach(
        (at, lines) -> {
          String dialogue =
              ContractValidator.parse(lines.getFirst().getBytes(UTF_8)).get("dialogue").asString();
          SentBatch batch =
              unanswered.stream()
                  .filter(candidate -> candidate.has(dialogue) && !found.contains(candidate))
                  .findAny()
                  .orElseThrow(
                      () -> new AssertionError(name + ": nobody's, or twice: " + at + lines));
          batch.exported(at, lines);
          found.add(batch);
        });
    return found;
  }

  /** What is there stands; unanswered batches that have a key are sent again. */
  private void adopt(ServiceProcess service, List<SentBatch> found) {
    sequence += found.size();
    recoveredUnanswered += found.size();
    standing.addAll(found);
    List<SentBatch> retried = List.copyOf(unanswered);
    unanswered.clear();
    for (SentBatch batch : retried) {
      if (batch.key() == null) {
        continue;
      }
      if (found.contains(batch)) {
        Answer answer = send(service, path, batch).join();
        require(answer != null, "no answer to the retry of " + batch);
        replayed(batch, answer);
      } else {
        post(service, batch);
        require(unanswered.isEmpty(), "no answer to the retry of " + batch);
      }
    }
  }

  /** A change that stayed unanswered is sent again: if it is recorded, that changes nothing. */
  private void resend(ServiceProcess service) {
    if (unansweredChange != null) {
      Answer answer = send(service, unansweredChange);
      require(answer != null, "no answer to " + unansweredChange);
      changed(unansweredChange, answer);
    }
  }

  private void retrySome(ServiceProcess service) {
    List<SentBatch> some = new ArrayList<>(standing);
    Collections.shuffle(some, random);
    int left = 20;
    for (SentBatch batch : some) {
      if (batch.key() != null && left-- > 0) {
        Answer answer = send(service, path, batch).join();
        require(answer != null, "no answer to the retry of " + batch);
        replayed(batch, answer);
      }
    }
  }

  private void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(name + ": " + otherwise);
    }
  }
}
