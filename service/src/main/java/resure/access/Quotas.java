package resure.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How much each tenant may use of this process, and of the store, so that none takes what the
 * others need. What is refused changes nothing, and is asked for before anything is read or waited
 * for. Any thread; never blocks, no locks.
 */
public final class Quotas {

  /**
   * Tenants that are kept apart from what they did before. Of more, those that have been quiet for
   * longest begin anew.
   */
  private static final int TENANTS = 10_000;

  /** When it may be worth asking again for what nobody knows the end of. */
  private static final Duration SOON = Duration.ofSeconds(5);

  private static final Duration LATER = Duration.ofSeconds(60);

  /** How long what a tenant stores is taken to be what it was. */
  private static final long MEASURE_NANOS = Duration.ofSeconds(10).toNanos();

  /** Measuring takes at most this share of the time. */
  private static final long MEASURING_SHARE = 100;

  /** How often it is said that a tenant is refused something. */
  private static final long SAY_NANOS = Duration.ofMinutes(1).toNanos();

  /**
   * The bounds; 0 for none.
   *
   * @param runs that there are
   * @param batchesPerSecond on average; {@value Rate#BURST_SECONDS} seconds' worth at once
   * @param streams event streams and exports that are open
   * @param storedBytes of what is recorded, about
   */
  public record Limits(int runs, int batchesPerSecond, int streams, long storedBytes) {

    /** No bounds. */
    public static final Limits NONE = new Limits(0, 0, 0, 0);
  }

  /**
   * What was refused.
   *
   * @param retryAfter when it may be granted
   */
  public record Refused(Quota quota, Duration retryAfter) {

    /** Of a run that was not made, since the tenant has as many as it may. */
    public static final Refused TOO_MANY_RUNS = new Refused(Quota.RUNS, LATER);
  }

  /** What one tenant uses. */
  private static final class Use {

    /** See {@link Rate}. */
    final AtomicLong due = new AtomicLong();

    final AtomicInteger streams = new AtomicInteger();

    /** As last measured. */
    volatile long storedBytes;

    /** From when on it is to be measured again; whoever moves it measures. */
    final AtomicLong measureAt = new AtomicLong();

    /** From when on a refusal is said again. */
    final AtomicLong sayAt = new AtomicLong();
  }

  private final Limits limits;
  private final @Nullable Rate rate;
  private final Function<String, CompletableFuture<@Nullable Long>> storedBytes;
  private final Consumer<String> says;
  private final LongSupplier nanoTime;
  private final long begin;
  private final Cache<String, Use> uses = Caffeine.newBuilder().maximumSize(TENANTS).build();
  private final Map<Quota, LongAdder> refusals = new EnumMap<>(Quota.class);

  /**
   * Of tenants that have used nothing.
   *
   * @param storedBytes measures what a tenant has stored, some time
   * @param says is told who is refused what, in sentences, not each time
   */
  public Quotas(
      Limits limits,
      Function<String, CompletableFuture<@Nullable Long>> storedBytes,
      Consumer<String> says,
      LongSupplier nanoTime) {
    this.says = says;
    this.limits = limits;
    this.storedBytes = storedBytes;
    this.nanoTime = nanoTime;
    rate = limits.batchesPerSecond() == 0 ? null : new Rate(limits.batchesPerSecond());
    begin = nanoTime.getAsLong();
    for (Quota quota : Quota.values()) {
      refusals.put(quota, new LongAdder());
    }
  }

  /** Most runs of a tenant; 0 for any number. */
  public int runs() {
    return limits.runs();
  }

  /** How often this was refused. */
  public long refusals(Quota quota) {
    return counter(quota).sum();
  }

  private LongAdder counter(Quota quota) {
    LongAdder counter = refusals.get(quota);
    if (counter == null) {
      throw new IllegalStateException("every quota has a counter");
    }
    return counter;
  }

  /** Notes that a run was not made since its tenant has as many as it may. */
  public void tooManyRuns(String tenant) {
    Refused _ = refused(tenant, Refused.TOO_MANY_RUNS);
  }

  private Refused refused(String tenant, Refused refused) {
    counter(refused.quota()).increment();
    AtomicLong sayAt = use(tenant).sayAt;
    long at = sayAt.get();
    long now = now();
    if (now >= at && sayAt.compareAndSet(at, now + SAY_NANOS)) {
      says.accept(
          "Tenant %s uses as much as %s lets it, and is refused more"
              .formatted(tenant, refused.quota().property()));
    }
    return refused;
  }

  /** Takes a batch of a tenant; null when it may be read. */
  public @Nullable Refused batch(String tenant) {
    if (rate == null && limits.storedBytes() == 0) {
      return null;
    }
    Use use = use(tenant);
    long now = now();
    if (limits.storedBytes() > 0) {
      measure(tenant, use, now);
      if (use.storedBytes >= limits.storedBytes()) {
        return refused(tenant, new Refused(Quota.STORED_BYTES, LATER));
      }
    }
    long wait = rate == null ? 0 : rate.take(use.due, now);
    return wait == 0
        ? null
        : refused(tenant, new Refused(Quota.BATCHES_PER_SECOND, Duration.ofNanos(wait)));
  }

  private long now() {
    return nanoTime.getAsLong() - begin;
  }

  private Use use(String tenant) {
    return uses.get(tenant, name -> new Use());
  }

  private void measure(String tenant, Use use, long now) {
    long at = use.measureAt.get();
    // One that never ends is begun again, some time.
    if (now < at || !use.measureAt.compareAndSet(at, now + MEASURING_SHARE * MEASURE_NANOS)) {
      return;
    }
    var _ =
        storedBytes
            .apply(tenant)
            .whenComplete(
                (bytes, failure) -> {
                  if (bytes != null) {
                    use.storedBytes = bytes;
                  }
                  long end = now();
                  use.measureAt.set(end + Math.max(MEASURE_NANOS, MEASURING_SHARE * (end - now)));
                });
  }

  /** Opens a stream of a tenant; null when it is open, and is to be {@link #close closed}. */
  public @Nullable Refused open(String tenant) {
    if (limits.streams() == 0) {
      return null;
    }
    AtomicInteger streams = use(tenant).streams;
    if (streams.incrementAndGet() <= limits.streams()) {
      return null;
    }
    streams.decrementAndGet();
    return refused(tenant, new Refused(Quota.STREAMS, SOON));
  }

  /** Says that a stream that was opened is no more. */
  public void close(String tenant) {
    if (limits.streams() > 0) {
      // One that began anew meanwhile had none.
      use(tenant).streams.updateAndGet(open -> Math.max(0, open - 1));
    }
  }
}
