package resure.crash;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import resure.api.ScoringText;
import resure.api.StatisticsText;
import resure.contract.Answer;
import resure.journal.JournalEntry;
import resure.journal.StoredEntry;
import resure.observation.ObservationBatch;
import resure.run.Retelling;

/**
 * Holds all that was answered of one run to what its journal says in the end, and both to what a
 * single process would have done. The calls of a run overlap, some were never answered, and it may
 * have been deleted and created again meanwhile: a breach is what no order of them explains.
 */
final class Checker {

  /** In what an intent may end. */
  private static final Map<Class<? extends Intent>, Set<String>> OUTCOMES =
      Map.of(
          Intent.Create.class, Set.of("200", "201"),
          Intent.Post.class,
              Set.of(
                  "200",
                  "404 unknown-run",
                  "409 stale-attempt /attempt",
                  "409 run-finished",
                  "422 key-reused"),
          Intent.Rewind.class, Set.of("200", "404 unknown-run", "409 stale-attempt /attempt"),
          Intent.Finish.class, Set.of("200", "404 unknown-run"),
          Intent.Delete.class, Set.of("204", "404 unknown-run"),
          Intent.Read.class,
              Set.of("200", "404 unknown-run", "409 sequence-not-reached atLeastSequence"));

  /** In what any call may end. */
  private static final Set<String> NOTHING_LEARNT =
      Set.of(
          "429 queue-full",
          "503 store-unavailable",
          "503 outcome-unknown",
          "no answer",
          "given up");

  private static final String REPLAYED = "Idempotency-Replayed";

  /** What a replica says of the run when all is over. */
  record Served(int replica, Answer statistics, Answer export) {}

  /** The time in which something took effect; it ends never where that is not known. */
  private record Span(long begun, long ended) {
    static final long NEVER = Long.MAX_VALUE;

    boolean before(long moment) {
      return ended != NEVER && ended - moment < 0;
    }

    boolean touches(Call call) {
      return begun - call.ended() < 0 && !before(call.begun());
    }
  }

  /** Something with a sequence, and when it took effect. */
  private record Event(String what, long sequence, Span span) {}

  private final List<Call> calls;
  private final @Nullable Recorded recorded;
  private final long freshness;
  private final List<String> breaches = new ArrayList<>();

  /** Of each intent to delete the run that may have done so. */
  private final List<Span> deletions = new ArrayList<>();

  /** Of each call that found or made the run there, at its end. */
  private final List<Call> creations;

  private final Map<SentBatch, List<Call>> posts = new LinkedHashMap<>();
  private final Map<String, SentBatch> sent = new HashMap<>();

  private final @Nullable Retelling retelling;

  /** Where each batch is that the journal holds. */
  private final Map<SentBatch, StoredEntry> found = new LinkedHashMap<>();

  /** What must have been answered to each of them. */
  private final Map<SentBatch, String> texts = new HashMap<>();

  /** What the journal holds, each with the time in which it was recorded. */
  private List<Event> events = List.of();

  /** The statistics after each sequence that anybody read. */
  private final Map<Long, String> statistics = new HashMap<>();

  /**
   * Checks one run.
   *
   * @param calls all that were made for it
   * @param recorded what the journal holds of it now; null when it holds nothing
   * @param freshness how far behind what is read may be
   */
  Checker(List<Call> calls, @Nullable Recorded recorded, Duration freshness) {
    this.calls = calls;
    this.recorded = recorded;
    this.freshness = freshness.toNanos();
    this.retelling = recorded == null ? null : new Retelling(recorded.key());
    creations =
        calls.stream().filter(c -> c.intent() instanceof Intent.Create && c.done()).toList();
    calls.stream()
        .filter(call -> call.intent() instanceof Intent.Delete)
        .collect(Collectors.groupingBy(Call::intent, LinkedHashMap::new, Collectors.toList()))
        .values()
        .forEach(this::addDeletion);
    for (Call call : calls) {
      if (call.intent() instanceof Intent.Post post) {
        posts.computeIfAbsent(post.batch(), b -> new ArrayList<>()).add(call);
        sent.put(post.batch().id(), post.batch());
      }
    }
  }

  private void addDeletion(List<Call> ofIntent) {
    if (ofIntent.stream().allMatch(Call::refused)) {
      return;
    }
    long ended =
        ofIntent.stream().anyMatch(Call::lingering)
            ? Span.NEVER
            : ofIntent.stream()
                .filter(call -> call.answer() != null && !call.worthRepeating())
                .mapToLong(Call::ended)
                .max()
                .orElse(Span.NEVER);
    deletions.add(new Span(begun(ofIntent), ended));
  }

  private static long begun(List<Call> several) {
    return several.stream().mapToLong(Call::begun).min().orElseThrow();
  }

  /** All that no order of events explains. */
  List<String> check(List<Served> served) {
    calls.forEach(this::checkOutcome);
    if (recorded != null && retelling != null) {
      retell(recorded, retelling);
    }
    events = events();
    posts.forEach(this::checkAnswers);
    checkOrder();
    calls.forEach(this::checkChange);
    calls.forEach(this::checkRead);
    calls.forEach(this::checkRefusal);
    served.forEach(this::checkServed);
    return breaches;
  }

  private void require(boolean condition, Object... otherwise) {
    if (!condition) {
      breaches.add(Arrays.stream(otherwise).map(String::valueOf).collect(Collectors.joining(" ")));
    }
  }

  private void checkOutcome(Call call) {
    Set<String> expected = OUTCOMES.getOrDefault(call.intent().getClass(), Set.of());
    require(
        expected.contains(call.outcome()) || NOTHING_LEARNT.contains(call.outcome()),
        "no such outcome is expected:",
        call);
    require(
        call.answer() == null
            || call.answer().status() != 503
            || !call.answer().header("Retry-After").isEmpty(),
        "when to come again is not said:",
        call);
  }

  /** Tells the run again, and finds whose each entry is. */
  private void retell(Recorded journal, Retelling again) {
    Set<Long> read = new HashSet<>();
    for (Call call : calls) {
      String[] tag = tag(call);
      if (tag.length > 0 && tag[0].equals(journal.key().incarnation().toString())) {
        read.add(Long.valueOf(tag[1]));
      }
    }
    long last = 0;
    for (StoredEntry entry : journal.entries()) {
      require(entry.sequence() == last + 1, "sequence", entry.sequence(), "comes after", last);
      last = entry.sequence();
      String unexplained = again.next(entry);
      require(unexplained == null, "entry", entry.sequence(), unexplained);
      if (read.contains(entry.sequence())) {
        statistics.put(entry.sequence(), StatisticsText.of(again.statistics()));
      }
      if (entry.entry() instanceof JournalEntry.Batch batch) {
        checkBatch(entry, batch);
      }
    }
    checkMarks(journal);
  }

  private void checkBatch(StoredEntry entry, JournalEntry.Batch recordedBatch) {
    ObservationBatch batch = recordedBatch.batch();
    SentBatch whose = batch.dialogues() == 0 ? null : sent.get(SentBatch.idOf(batch.id(0)));
    if (whose == null) {
      require(false, "entry", entry.sequence(), "is a batch of nobody");
      return;
    }
    StoredEntry other = found.putIfAbsent(whose, entry);
    require(other == null, "twice, also at", entry.sequence(), ":", whose);
    ObservationBatch asSent = ScoringText.read(whose.body());
    require(
        asSent.sameObservations(batch)
            && Objects.equals(asSent.attempt(), batch.attempt())
            && Objects.equals(whose.key(), recordedBatch.key()),
        "not as it was sent, at",
        entry.sequence(),
        ":",
        whose);
    List<Call> posted = posts.getOrDefault(whose, List.of());
    require(
        !posted.stream().allMatch(Call::refused),
        "refused and yet there, at",
        entry.sequence(),
        ":",
        posted);
    texts.put(whose, ScoringText.answer(entry.sequence(), batch, recordedBatch.weights()));
  }

  /** Rewinds and ends that are recorded: somebody wanted each, and each of them once. */
  private void checkMarks(Recorded journal) {
    Set<Object> marks = new HashSet<>();
    for (StoredEntry entry : journal.entries()) {
      switch (entry.entry()) {
        case JournalEntry.Rewound rewound -> {
          List<Call> wanted = rewinds(rewound.nextStep(), rewound.attempt());
          require(
              !wanted.stream().allMatch(Call::refused),
              "a rewind that nobody wants, or that was refused, at",
              entry.sequence());
          require(
              marks.add(rewound.nextStep() + " " + rewound.attempt()),
              "rewound twice, at",
              entry.sequence());
        }
        case JournalEntry.Finished _ ->
            require(
                calls.stream().anyMatch(c -> c.intent() instanceof Intent.Finish && !c.refused()),
                "an end that nobody wants, at",
                entry.sequence());
        default -> {}
      }
    }
  }

  private List<Call> rewinds(long nextStep, @Nullable String attempt) {
    return calls.stream()
        .filter(
            call ->
                call.intent() instanceof Intent.Rewind rewind
                    && rewind.nextStep() == nextStep
                    && rewind.attempt().equals(attempt))
        .toList();
  }

  /** Whether the run may have been deleted after a call had begun, or {@code earlier} before. */
  private boolean mayBeGoneAfter(Call call, long earlier) {
    return deletions.stream().anyMatch(deletion -> !deletion.before(call.begun() - earlier));
  }

  /**
   * Which of the runs of this name a call met, counted by the deletions before it; -1 where that
   * cannot be told.
   */
  private int life(Call call) {
    int before = 0;
    for (Span deletion : deletions) {
      if (deletion.before(call.begun())) {
        before++;
      } else if (deletion.begun() - call.ended() < 0) {
        return -1;
      }
    }
    return before;
  }

  private void checkAnswers(SentBatch batch, List<Call> posted) {
    String text = texts.get(batch);
    Map<String, List<Call>> same = new TreeMap<>();
    for (Call call : posted) {
      if (call.done() && call.answer() != null) {
        String answered = call.answer().text();
        require(
            answered.equals(text) || mayBeGoneAfter(call, 0),
            text == null ? "lost:" : "answered otherwise than recorded:",
            call,
            "recorded:",
            text);
        int life = life(call);
        if (answered.equals(text) || life >= 0) {
          same.computeIfAbsent(
                  answered.equals(text) ? "journal" : "life " + life, k -> new ArrayList<>())
              .add(call);
        }
      }
    }
    for (List<Call> answers : same.values()) {
      require(
          answers.stream().map(c -> Objects.requireNonNull(c.answer()).text()).distinct().count()
              == 1,
          "answered in two ways:",
          answers);
      List<Call> first =
          answers.stream()
              .filter(c -> Objects.requireNonNull(c.answer()).header(REPLAYED).isEmpty())
              .toList();
      require(first.size() <= 1, "answered twice as new:", first);
      require(
          !first.isEmpty()
              || posted.stream().anyMatch(call -> !call.done() && !call.refused())
              || !deletions.isEmpty(),
          "answered as a repetition of nothing:",
          answers);
      for (Call call : answers) {
        require(
            first.isEmpty() || call.ended() - first.getFirst().begun() >= 0,
            "repeated before it was new:",
            call);
      }
    }
  }

  /** What began after another had been answered comes after it, and no two have one place. */
  private void checkOrder() {
    Map<Integer, List<Event>> lives = new TreeMap<>();
    posts.forEach(
        (batch, posted) -> {
          for (Call call : posted) {
            if (call.done()
                && call.answer() != null
                && life(call) >= 0
                && !found.containsKey(batch)) {
              lives
                  .computeIfAbsent(life(call), l -> new ArrayList<>())
                  .add(
                      new Event(
                          batch.id(),
                          call.answer().json().get("sequence").asLong(),
                          new Span(begun(posted), call.ended())));
            }
          }
        });
    lives.values().forEach(this::checkOrder);
    checkOrder(events);
  }

  private void checkOrder(List<Event> events) {
    List<Event> ascending = new ArrayList<>(events);
    ascending.sort((a, b) -> Long.compare(a.sequence(), b.sequence()));
    Event soonest = null;
    Event above = null;
    for (Event event : ascending.reversed()) {
      require(
          above == null
              || above.sequence() != event.sequence()
              || above.what().equals(event.what()),
          "two of one sequence:",
          above,
          event);
      require(
          soonest == null || !soonest.span().before(event.span().begun()),
          "over before the other began, and yet after it:",
          soonest,
          event);
      if (soonest == null || event.span().before(soonest.span().ended())) {
        soonest = event;
      }
      above = event;
    }
  }

  private List<Event> events() {
    List<Event> events = new ArrayList<>();
    found.forEach(
        (batch, entry) -> {
          List<Call> posted = posts.getOrDefault(batch, List.of());
          long ended =
              posted.stream()
                  .filter(c -> c.answer() != null && c.answer().text().equals(texts.get(batch)))
                  .mapToLong(Call::ended)
                  .min()
                  .orElse(Span.NEVER);
          events.add(new Event(batch.id(), entry.sequence(), new Span(begun(posted), ended)));
        });
    if (recorded != null) {
      for (StoredEntry entry : recorded.entries()) {
        if (entry.entry() instanceof JournalEntry.Rewound rewound) {
          List<Call> wanted = rewinds(rewound.nextStep(), rewound.attempt());
          if (!wanted.isEmpty()) {
            long ended =
                wanted.stream().filter(Call::done).mapToLong(Call::ended).min().orElse(Span.NEVER);
            events.add(
                new Event(
                    wanted.getFirst().intent().toString(),
                    entry.sequence(),
                    new Span(begun(wanted), ended)));
          }
        }
      }
    }
    return events;
  }

  /** What was answered of a change is recorded, unless the run was deleted after it. */
  private void checkChange(Call call) {
    if (!call.done() || call.answer() == null || mayBeGoneAfter(call, 0)) {
      return;
    }
    switch (call.intent()) {
      case Intent.Create _ -> {
        require(recorded != null, "lost:", call);
        require(
            call.answer().status() == 200
                || creations.stream()
                        .filter(c -> c.answer() != null && c.answer().status() == 201)
                        .filter(c -> life(c) == life(call))
                        .count()
                    == 1,
            "created twice:",
            call);
      }
      case Intent.Rewind rewind ->
          require(
              entries().stream()
                  .anyMatch(
                      entry ->
                          entry.sequence() <= sequence(call)
                              && entry.entry() instanceof JournalEntry.Rewound rewound
                              && rewound.nextStep() == rewind.nextStep()
                              && rewind.attempt().equals(rewound.attempt())),
              "lost:",
              call);
      case Intent.Finish _ ->
          require(
              entries().stream()
                  .anyMatch(
                      entry ->
                          entry.sequence() <= sequence(call)
                              && entry.entry() instanceof JournalEntry.Finished),
              "lost:",
              call);
      default -> {}
    }
  }

  private List<StoredEntry> entries() {
    return recorded == null ? List.of() : recorded.entries();
  }

  private static long sequence(Call call) {
    return Objects.requireNonNull(call.answer()).json().get("sequence").asLong();
  }

  /** Incarnation and sequence that statistics name; empty where a call is not answered by any. */
  private static String[] tag(Call call) {
    Answer answer = call.answer();
    return call.intent() instanceof Intent.Read read
            && read.statistics()
            && answer != null
            && answer.status() == 200
        ? answer.header("ETag").replace("\"", "").split("-", -1)
        : new String[0];
  }

  /** What was read is what the run was, not longer ago than it may be. */
  private void checkRead(Call call) {
    if (!(call.intent() instanceof Intent.Read read) || !call.done() || call.answer() == null) {
      return;
    }
    String[] tag = tag(call);
    boolean current =
        recorded != null
            && (tag.length == 0
                ? !mayBeGoneAfter(call, freshness)
                : tag[0].equals(recorded.key().incarnation().toString()));
    if (!current) {
      require(mayBeGoneAfter(call, freshness), "read of a run that is gone:", call);
      return;
    }
    long sequence = sequence(call);
    if (tag.length > 0) {
      require(
          call.answer().text().equals(statistics.get(sequence)),
          "statistics that the run never had:",
          call,
          "were:",
          statistics.get(sequence));
      require(sequence >= read.atLeast(), "statistics of before:", call);
    }
    for (Event event : events) {
      require(
          event.sequence() <= sequence || !event.span().before(call.begun() - freshness),
          "read without what was answered long ago:",
          call,
          event);
      require(
          event.sequence() > sequence || event.span().begun() - call.ended() < 0,
          "read before it was there:",
          call,
          event);
    }
  }

  private void checkRefusal(Call call) {
    switch (call.outcome()) {
      case "404 unknown-run" ->
          require(
              creations.stream().noneMatch(c -> c.ended() - call.begun() < 0)
                  || deletions.stream().map(this::gap).anyMatch(gap -> gap.touches(call)),
              "the run was there:",
              call);
      case "409 run-finished" ->
          require(
              calls.stream()
                  .anyMatch(
                      c ->
                          c.intent() instanceof Intent.Finish
                              && !c.refused()
                              && c.begun() - call.ended() < 0),
              "the run was not finished:",
              call);
      case "409 sequence-not-reached atLeastSequence" ->
          require(
              deletions.stream().anyMatch(deletion -> deletion.begun() - call.ended() < 0),
              "the sequence was reached:",
              call);
      case "409 stale-attempt /attempt" ->
          require(!surelyCurrent(call), "the attempt was the current one:", call);
      case "422 key-reused" ->
          // Of an attempt that is over, after the next one has sent that step again: keys are
          // looked at first.
          require(
              mayHaveKeyOfAnother(call) && !surelyCurrent(call), "nobody else had the key:", call);
      default -> {}
    }
  }

  private boolean mayHaveKeyOfAnother(Call call) {
    return call.intent() instanceof Intent.Post post
        && post.batch().key() != null
        && posts.entrySet().stream()
            .anyMatch(
                other ->
                    !other.getKey().equals(post.batch())
                        && Objects.equals(other.getKey().key(), post.batch().key())
                        && other.getValue().stream()
                            .anyMatch(c -> !c.refused() && c.begun() - call.ended() < 0));
  }

  /** The time in which the run may not have been there because of a deletion. */
  private Span gap(Span deletion) {
    return new Span(
        deletion.begun(),
        deletion.ended() == Span.NEVER
            ? Span.NEVER
            : creations.stream()
                .filter(c -> c.begun() - deletion.ended() > 0)
                .mapToLong(Call::ended)
                .min()
                .orElse(Span.NEVER));
  }

  /** Whether a call named the attempt that was current from its beginning to its end. */
  private boolean surelyCurrent(Call call) {
    String attempt =
        switch (call.intent()) {
          case Intent.Post post -> ScoringText.read(post.batch().body()).attempt();
          case Intent.Rewind rewind -> rewind.attempt();
          default -> null;
        };
    if (mayBeGoneAfter(call, 0)) {
      return false;
    }
    boolean current = false;
    for (StoredEntry entry : entries()) {
      if (entry.entry() instanceof JournalEntry.Rewound rewound) {
        List<Call> wanted = rewinds(rewound.nextStep(), rewound.attempt());
        if (!wanted.isEmpty() && begun(wanted) - call.ended() < 0) {
          current =
              Objects.equals(attempt, rewound.attempt())
                  && wanted.stream().anyMatch(c -> c.done() && c.ended() - call.begun() < 0);
        }
      }
    }
    return current;
  }

  /** In the end all replicas say the same, and that is what the journal says. */
  private void checkServed(Served served) {
    if (recorded == null || retelling == null) {
      require(
          served.statistics().status() == 404 && served.export().status() == 404,
          "there without a journal:",
          served);
      return;
    }
    if (served.statistics().status() != 200 || served.export().status() != 200) {
      require(false, "not served:", served);
      return;
    }
    require(
        served.statistics().text().equals(StatisticsText.of(retelling.statistics())),
        "replica",
        served.replica(),
        "says:",
        served.statistics(),
        "the journal:",
        StatisticsText.of(retelling.statistics()));
    Map<Long, List<String>> export =
        served
            .export()
            .text()
            .lines()
            .collect(
                Collectors.groupingBy(SentBatch::sequenceOf, TreeMap::new, Collectors.toList()));
    found.forEach(
        (batch, entry) -> {
          List<String> lines = export.remove(entry.sequence());
          if (!retelling.stands(entry)) {
            require(lines == null, "removed and yet exported:", batch);
          } else if (lines == null) {
            require(false, "not exported:", batch);
          } else {
            checkExported(batch, entry, lines);
          }
        });
    require(export.isEmpty(), "exported, and not recorded:", export);
  }

  private void checkExported(SentBatch batch, StoredEntry entry, List<String> lines) {
    try {
      batch.answered(Objects.requireNonNull(texts.get(batch)));
      batch.exported(entry.sequence(), lines);
    } catch (AssertionError e) {
      breaches.add(e.getMessage());
    }
  }
}
