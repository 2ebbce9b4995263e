package resure.client;

import java.net.URI;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One call with its attempts, each after the other, and the waits between them. */
@SuppressWarnings("FutureReturnValueIgnored") // of whenComplete: what it watches is the result
final class RetryingCall<T extends @Nullable Object> {

  /** Makes the call once; the future it returns ends by the deadline, and when it is cancelled. */
  interface Attempt<T extends @Nullable Object> {
    CompletableFuture<T> make(URI address, long deadline);
  }

  private static final Logger LOG = LoggerFactory.getLogger(RetryingCall.class);

  private final Retries retries;
  private final Timer timer;
  private final Addresses addresses;
  private final long deadline;
  private final boolean safe;
  private final Attempt<T> attempt;
  private final CompletableFuture<T> result = new CompletableFuture<>();

  private volatile Runnable cancel = () -> {};
  private @Nullable ResureException first;
  private int failures;

  /** Addresses that failed since the last wait. */
  private int passed;

  RetryingCall(
      Retries retries,
      Timer timer,
      Addresses addresses,
      long deadline,
      boolean safe,
      Attempt<T> attempt) {
    this.retries = retries;
    this.timer = timer;
    this.addresses = addresses;
    this.deadline = deadline;
    this.safe = safe;
    this.attempt = attempt;
  }

  /** Begins. The future ends by the deadline; cancelling it ends what is under way. */
  CompletableFuture<T> start() {
    result.whenComplete((value, failure) -> cancel.run());
    next();
    return result;
  }

  private void next() {
    try {
      URI address = addresses.current();
      CompletableFuture<T> running = attempt.make(address, deadline);
      underWay(() -> running.cancel(true));
      running.whenComplete(
          (value, failure) -> {
            if (failure == null) {
              result.complete(value);
            } else {
              failed(
                  address, failure instanceof CompletionException ? failure.getCause() : failure);
            }
          });
    } catch (RuntimeException e) {
      // The caller's token, say: nobody but the future's owner could be told of it.
      result.completeExceptionally(e);
    }
  }

  private void failed(URI address, @Nullable Throwable failure) {
    if (!(failure instanceof ResureException known)) {
      result.completeExceptionally(failure);
      return;
    }
    if (elsewhere(known)) {
      addresses.failed(address);
      passed++;
    } else {
      passed = addresses.size();
    }
    if (first == null) {
      first = known;
    }
    failures++;
    long pause =
        retries.pause(
            known, safe, failures, passed < addresses.size(), deadline - timer.nanoTime());
    if (pause == Retries.NO_MORE) {
      if (first != known) {
        known.addSuppressed(first);
      }
      result.completeExceptionally(known);
    } else if (pause == 0) {
      next();
    } else {
      passed = 0;
      LOG.debug("{}; again in {} ms", known.getMessage(), pause / 1_000_000);
      underWay(timer.after(pause, this::next));
    }
  }

  /** Whether another address may do better. */
  static boolean elsewhere(ResureException failure) {
    return failure instanceof UnavailableException
        || (failure instanceof ProblemException problem
            && problem.status() >= 502
            && problem.status() <= 504);
  }

  private void underWay(Runnable newCancel) {
    cancel = newCancel;
    if (result.isDone()) {
      newCancel.run();
    }
  }
}
