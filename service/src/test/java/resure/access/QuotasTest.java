package resure.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import resure.access.Quotas.Limits;
import resure.access.Quotas.Refused;

class QuotasTest {

  private final AtomicLong now = new AtomicLong(-17);
  private final List<String> said = new ArrayList<>();
  private final List<String> measured = new ArrayList<>();
  private CompletableFuture<@Nullable Long> size = new CompletableFuture<>();

  private Quotas quotas(Limits limits) {
    return new Quotas(
        limits,
        tenant -> {
          measured.add(tenant);
          return size;
        },
        said::add,
        now::get);
  }

  private void later(Duration time) {
    now.addAndGet(time.toNanos());
  }

  @Test
  void withoutLimitsNothingIsRefused() {
    Quotas quotas = quotas(Limits.NONE);
    for (int i = 0; i < 1000; i++) {
      assertThat(quotas.batch("a")).isNull();
      assertThat(quotas.open("a")).isNull();
    }
    assertThat(quotas.runs()).isZero();
    assertThat(measured).isEmpty();
  }

  @Test
  void aTenantsBatchesAreItsOwnAndComeBackWithTime() {
    Quotas quotas = quotas(new Limits(0, 2, 0, 0));
    for (int i = 0; i < 20; i++) {
      assertThat(quotas.batch("a")).isNull();
    }
    Refused refused = Objects.requireNonNull(quotas.batch("a"));
    assertThat(refused).isEqualTo(new Refused(Quota.BATCHES_PER_SECOND, Duration.ofMillis(500)));
    assertThat(quotas.batch("b")).isNull();
    later(refused.retryAfter());
    assertThat(quotas.batch("a")).isNull();
    assertThat(quotas.batch("a")).isNotNull();
    assertThat(quotas.refusals(Quota.BATCHES_PER_SECOND)).isEqualTo(2);
    assertThat(said)
        .containsExactly(
            "Tenant a uses as much as resure.quotas.batches-per-second lets it, and is refused"
                + " more");
  }

  @Test
  void whatIsRefusedIsSaidOnceAMinuteForEachTenant() {
    Quotas quotas = quotas(new Limits(1, 0, 0, 0));
    for (int i = 0; i < 100; i++) {
      quotas.tooManyRuns("a");
      quotas.tooManyRuns("b");
    }
    assertThat(said).hasSize(2);
    later(Duration.ofSeconds(61));
    quotas.tooManyRuns("a");
    assertThat(said).hasSize(3);
    assertThat(quotas.refusals(Quota.RUNS)).isEqualTo(201);
  }

  @Test
  void aStreamThatEndsMakesRoomForAnother() {
    Quotas quotas = quotas(new Limits(0, 0, 2, 0));
    assertThat(quotas.open("a")).isNull();
    assertThat(quotas.open("a")).isNull();
    assertThat(quotas.open("b")).isNull();
    assertThat(Objects.requireNonNull(quotas.open("a")).quota()).isEqualTo(Quota.STREAMS);
    quotas.close("a");
    assertThat(quotas.open("a")).isNull();
    assertThat(quotas.open("a")).isNotNull();
  }

  @Test
  void whatIsStoredIsMeasuredNowAndThenAndNeverWaitedFor() {
    Quotas quotas = quotas(new Limits(0, 0, 0, 1000));
    assertThat(quotas.batch("a")).as("nobody knows yet").isNull();
    assertThat(quotas.batch("a")).isNull();
    assertThat(measured).containsExactly("a");
    size.complete(1000L);
    assertThat(Objects.requireNonNull(quotas.batch("a")).quota()).isEqualTo(Quota.STORED_BYTES);

    later(Duration.ofSeconds(9));
    assertThat(quotas.batch("a")).isNotNull();
    assertThat(measured).hasSize(1);
    size = CompletableFuture.completedFuture(999L);
    later(Duration.ofSeconds(2));
    assertThat(quotas.batch("a")).isNull();
    assertThat(measured).hasSize(2);
  }

  @Test
  void measuringTakesAHundredthOfTheTimeAtMostAndOneThatFailsChangesNothing() {
    Quotas quotas = quotas(new Limits(0, 0, 0, 1000));
    assertThat(quotas.batch("a")).isNull();
    later(Duration.ofSeconds(3));
    size.complete(5000L);
    size = new CompletableFuture<>();
    size.completeExceptionally(new IllegalStateException("away"));
    later(Duration.ofSeconds(299));
    assertThat(quotas.batch("a")).isNotNull();
    assertThat(measured).hasSize(1);
    later(Duration.ofSeconds(2));
    assertThat(quotas.batch("a")).isNotNull();
    assertThat(measured).hasSize(2);
  }
}
