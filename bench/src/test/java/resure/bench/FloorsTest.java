package resure.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import resure.bench.floor.NettyFloor;

class FloorsTest {

  private static final List<String> JVM = List.of("-XX:TieredStopAtLevel=1", "-Xmx64m");

  @TempDir private Path directory;

  @Test
  void theClientGetsEveryAnswerOfAFloorAndItsCpuTime() throws Exception {
    try (ServerProcess floor =
        ServerProcess.ofClass(NettyFloor.class, JVM, directory.resolve("log"), "S")) {
      floor.awaitReady();
      long before = floor.cpuNanos();
      try (LoadClient client = new LoadClient(floor.port(), 3)) {
        Load load = client.drive(new BatchRequests(Shape.S, 2, 2, false), 500);
        assertThat(load.requests()).isEqualTo(500);
        assertThat(load.p50Millis()).isPositive().isLessThanOrEqualTo(load.p99Millis());
        assertThat(load.p99Millis()).isLessThanOrEqualTo(load.maxMillis());
      }
      assertThat(floor.cpuNanos()).isGreaterThanOrEqualTo(before).isPositive();
    }
  }

  @Test
  void inAnOpenLoopARequestCountsFromWhenItWasDue() throws Exception {
    try (ServerProcess floor =
            ServerProcess.ofClass(NettyFloor.class, JVM, directory.resolve("log"), "S");
        LoadClient client = connected(floor)) {
      BatchRequests requests = new BatchRequests(Shape.S, 2, 2, false);
      double closed = client.drive(requests, 2000).perSecond();

      // More than one connection can answer: what is due last is answered last, and has waited for
      // nearly all of the time; counted from when it was sent it would be a thousandth of that.
      Load late = client.driveAt(requests, 20 * closed, Duration.ofMillis(50));
      assertThat(late.requests()).isEqualTo(Math.round(closed));
      double allMillis = 1000 * late.requests() / late.perSecond();
      assertThat(late.maxMillis()).isGreaterThan((allMillis - 50) / 2).isLessThan(allMillis);

      // Few are answered long before the next one is due, and take as long as they are given.
      Load few = client.driveAt(requests, 40, Duration.ofMillis(500));
      assertThat(few.requests()).isEqualTo(20);
      assertThat(few.perSecond()).isLessThan(45);
    }
  }

  @Test
  void anAnswerOfAnotherStatusEndsTheMeasurement() throws Exception {
    try (ServerProcess floor =
            ServerProcess.ofClass(NettyFloor.class, JVM, directory.resolve("log"), "S");
        LoadClient client = connected(floor)) {
      assertThatThrownBy(() -> client.drive(new CreateRequests(), 1))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("expected 201: HTTP/1.1 200 OK");
    }
  }

  @Test
  void aServerThatDoesNotStartShowsItsLastOutput() throws Exception {
    try (ServerProcess floor =
        ServerProcess.ofClass(NettyFloor.class, JVM, directory.resolve("log"), "no-shape")) {
      assertThatThrownBy(floor::awaitReady).hasMessageContaining("no-shape");
    }
  }

  private static LoadClient connected(ServerProcess floor) throws Exception {
    floor.awaitReady();
    return new LoadClient(floor.port(), 1);
  }
}
