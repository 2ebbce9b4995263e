package resure.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The policy of repetition, on a clock that is moved by hand. */
class RetryingCallTest {

  private static final URI A = URI.create("http://a");
  private static final URI B = URI.create("http://b");
  private static final ResureException AWAY = new UnavailableException("away", null);
  private static final ResureException NOT_REACHED = new UnavailableException("away", null, false);
  private static final ResureException GARBAGE = new UnexpectedAnswerException("garbage", null);

  /** What the next attempts come to: a result after a while, or a failure after a while. */
  private record Outcome(long nanos, @Nullable ResureException failure) {}

  private final HandTimer timer = new HandTimer();
  private final Deque<Outcome> outcomes = new ArrayDeque<>();
  private final List<String> attempts = new ArrayList<>();
  private final Addresses both = new Addresses(List.of(A, B));
  private final Addresses one = new Addresses(List.of(A));
  private int underWay;

  private static ResureException problem(int status, ProblemType type, @Nullable Duration after) {
    return new ProblemException(status, type, "problem", null, after);
  }

  private static ResureException busy(@Nullable Duration after) {
    return problem(429, ProblemType.QUEUE_FULL, after);
  }

  private static long millis(long millis) {
    return Duration.ofMillis(millis).toNanos();
  }

  private void then(long millis, @Nullable ResureException failure) {
    outcomes.add(new Outcome(millis(millis), failure));
  }

  /** As {@link Transport}: ends by the deadline, and when it is cancelled. */
  private CompletableFuture<String> attempt(URI address, long deadline) {
    attempts.add(address.getHost() + "@" + timer.elapsed() / 1_000_000);
    Outcome outcome = outcomes.remove();
    CompletableFuture<String> result = new CompletableFuture<>();
    underWay++;
    long left = deadline - timer.nanoTime();
    boolean late = outcome.nanos > left;
    Runnable callOff =
        timer.after(
            Math.min(outcome.nanos, left),
            () -> {
              ResureException failure = late ? AWAY : outcome.failure;
              if (failure == null) {
                result.complete("done");
              } else {
                result.completeExceptionally(failure);
              }
            });
    result.whenComplete(
        (value, failure) -> {
          callOff.run();
          underWay--;
        });
    return result;
  }

  private CompletableFuture<String> call(Addresses addresses, boolean safe, double random) {
    return new RetryingCall<String>(
            new Retries(() -> random),
            timer,
            addresses,
            timer.nanoTime() + Duration.ofSeconds(5).toNanos(),
            safe,
            this::attempt)
        .start();
  }

  private String ended(CompletableFuture<String> call) {
    while (!call.isDone()) {
      assertThat(timer.step()).as("there is something to wait for").isTrue();
    }
    assertThat(underWay).isZero();
    assertThat(timer.waiting()).as("nothing is left behind").isZero();
    return call.join();
  }

  private void endsWith(CompletableFuture<String> call, ResureException failure) {
    assertThatThrownBy(() -> ended(call)).hasCause(failure);
  }

  @Test
  void waitsGrowUpToTwoSeconds() {
    for (int i = 0; i < 8; i++) {
      then(0, AWAY);
    }

    endsWith(call(one, true, 0.999999999), AWAY);

    // 50, 100, 200, ... 1600 ms, and the next would end past the deadline.
    assertThat(attempts)
        .containsExactly("a@0", "a@49", "a@149", "a@349", "a@749", "a@1549", "a@3149");
  }

  @Test
  void theWaitIsDrawnFromNothingOn() {
    then(0, AWAY);
    then(0, null);

    assertThat(ended(call(one, true, 0.5))).isEqualTo("done");
    assertThat(timer.elapsed()).isEqualTo(millis(25));
  }

  @Test
  void whatTheServiceAsksForIsWaitedAtLeast() {
    then(0, busy(Duration.ofSeconds(2)));
    then(0, null);

    ended(call(one, true, 0.5));

    assertThat(timer.elapsed()).isEqualTo(millis(2025));
  }

  @Test
  void aWaitPastTheDeadlineIsNotBegun() {
    ResureException busy = busy(Duration.ofSeconds(5));
    then(0, busy);

    endsWith(call(one, true, 0), busy);

    assertThat(timer.elapsed()).isZero();
  }

  @Test
  void theNextAddressIsTriedAtOnceAndKept() {
    then(0, NOT_REACHED);
    then(0, null);
    then(0, null);

    ended(call(both, true, 0.5));
    ended(call(both, true, 0.5));

    assertThat(attempts).containsExactly("a@0", "b@0", "b@0");
  }

  @Test
  void afterTheLastAddressThereIsAWait() {
    then(0, problem(503, ProblemType.STORE_UNAVAILABLE, null));
    then(0, NOT_REACHED);
    then(0, NOT_REACHED);
    then(0, null);

    ended(call(both, true, 0.5));

    // The second failure is drawn from 100 ms; then each address once more.
    assertThat(attempts).containsExactly("a@0", "b@0", "a@50", "b@50");
  }

  @Test
  void aBusyServiceIsWaitedForWhereItIs() {
    then(0, busy(null));
    then(0, null);

    ended(call(both, true, 0.5));

    assertThat(attempts).containsExactly("a@0", "a@25");
  }

  @Test
  void whatWasRefusedIsNotRepeated() {
    List<ResureException> final_ =
        List.of(
            GARBAGE,
            problem(400, ProblemType.MALFORMED_BODY, null),
            problem(404, ProblemType.UNKNOWN_RUN, Duration.ZERO),
            problem(409, ProblemType.STALE_ATTEMPT, null),
            problem(422, ProblemType.INVALID_FIELD, null),
            problem(501, ProblemType.FOREIGN, null),
            problem(503, ProblemType.RUN_DAMAGED, null));
    for (ResureException failure : final_) {
      then(0, failure);
      endsWith(call(both, true, 0), failure);
    }
    assertThat(attempts).hasSize(final_.size());
  }

  @Test
  void whatMayHelpIsRepeated() {
    for (ResureException failure :
        List.of(
            AWAY,
            problem(429, ProblemType.TOO_MANY_REPLAYS, null),
            problem(429, ProblemType.QUOTA_EXCEEDED, null),
            problem(500, ProblemType.INTERNAL, null),
            problem(502, ProblemType.FOREIGN, null),
            problem(503, ProblemType.STORE_UNAVAILABLE, null),
            problem(503, ProblemType.OUTCOME_UNKNOWN, null),
            problem(504, ProblemType.FOREIGN, null))) {
      then(0, failure);
      then(0, null);
      assertThat(ended(call(one, true, 0))).as(failure.toString()).isEqualTo("done");
    }
  }

  @Test
  void whatDoesMoreWhenMadeTwiceIsRepeatedOnlyWhereItWasNotCarriedOut() {
    for (ResureException failure :
        List.of(NOT_REACHED, busy(null), problem(503, ProblemType.STORE_UNAVAILABLE, null))) {
      then(0, failure);
      then(0, null);
      assertThat(ended(call(one, false, 0))).as(failure.toString()).isEqualTo("done");
    }
    for (ResureException failure :
        List.of(
            AWAY,
            problem(500, ProblemType.INTERNAL, null),
            problem(503, ProblemType.OUTCOME_UNKNOWN, null),
            problem(503, ProblemType.FOREIGN, null))) {
      then(0, failure);
      endsWith(call(one, false, 0), failure);
    }
  }

  @Test
  void theFirstFailureIsKeptBesideTheLast() {
    ResureException busy = busy(null);
    ResureException refused = problem(422, ProblemType.KEY_REUSED, null);
    then(0, busy);
    then(0, refused);

    endsWith(call(one, true, 0), refused);

    assertThat(refused.getSuppressed()).containsExactly(busy);
  }

  @Test
  void whatIsCancelledEndsWhateverItIsAt() {
    then(1000, null);
    CompletableFuture<String> inAnAttempt = call(one, true, 0);
    inAnAttempt.cancel(true);
    assertThatThrownBy(() -> ended(inAnAttempt)).isInstanceOf(CancellationException.class);

    then(0, AWAY);
    CompletableFuture<String> inAWait = call(one, true, 0.9);
    timer.step();
    assertThat(timer.waiting()).isEqualTo(1);
    inAWait.cancel(true);
    assertThatThrownBy(() -> ended(inAWait)).isInstanceOf(CancellationException.class);
  }

  @Test
  void aCallerWhoseTokenCannotBeHadIsTold() {
    RuntimeException fault = new IllegalStateException("no token");

    CompletableFuture<String> call =
        new RetryingCall<String>(
                new Retries(() -> 0),
                timer,
                one,
                timer.nanoTime() + 1,
                true,
                (address, deadline) -> {
                  throw fault;
                })
            .start();

    assertThatThrownBy(call::join).isInstanceOf(CompletionException.class).hasCause(fault);
  }

  @Test
  void whateverHappensACallEndsByItsDeadline() {
    ResureException[] busy = new ResureException[7];
    for (int i = 0; i < busy.length; i++) {
      busy[i] = busy(i == 0 ? null : Duration.ofSeconds(i));
    }
    ResureException unknown = problem(503, ProblemType.OUTCOME_UNKNOWN, Duration.ofSeconds(1));
    for (long seed = 0; seed < 2000; seed++) {
      Random random = new Random(seed);
      outcomes.clear();
      for (int i = 0; i < 1000; i++) {
        int kind = random.nextInt(6);
        outcomes.add(
            new Outcome(
                millis(random.nextInt(1 << random.nextInt(14))),
                switch (kind) {
                  case 0 -> busy[random.nextInt(7)];
                  case 1 -> busy[0];
                  case 2 -> unknown;
                  case 3 -> NOT_REACHED;
                  case 4 -> random.nextInt(20) == 0 ? null : AWAY;
                  default -> random.nextInt(20) == 0 ? GARBAGE : AWAY;
                }));
      }
      long begun = timer.elapsed();
      CompletableFuture<String> call =
          call(random.nextBoolean() ? both : one, random.nextBoolean(), random.nextDouble());
      while (!call.isDone()) {
        timer.step();
      }
      assertThat(timer.elapsed() - begun)
          .as("seed %d", seed)
          .isLessThanOrEqualTo(Duration.ofSeconds(5).plusMillis(20).toNanos());
      assertThat(timer.waiting()).isZero();
    }
  }
}
