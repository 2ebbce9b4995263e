package resure.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * One window of load on some replicas at once.
 *
 * @param answers batches that were answered
 * @param perSecond the same, a second
 * @param p50Millis the slowest replica's median latency
 * @param p99Millis the slowest replica's
 * @param groupBatches batches of an append
 * @param serviceMicros CPU of all replicas for each answer, until they rested again
 * @param databaseMicros CPU of the database for each answer
 */
record ReplicaLoad(
    long answers,
    double perSecond,
    double p50Millis,
    double p99Millis,
    double groupBatches,
    double serviceMicros,
    double databaseMicros) {

  /**
   * Loads replicas, each with its own requests and its share of the connections.
   *
   * @param postgres whose CPU is counted; null for none
   */
  static ReplicaLoad measure(
      @Nullable Postgres postgres,
      List<ServerProcess> replicas,
      List<? extends Requests> requests,
      int connections,
      Duration time)
      throws IOException, InterruptedException {
    double groups = sum(replicas, "resure_group_batches_count");
    double batches = sum(replicas, "resure_group_batches_sum");
    long database = postgres == null ? 0 : postgres.cpuNanos();
    long service = cpuNanos(replicas);
    List<Load> loads = drive(replicas, requests, connections, time);
    for (ServerProcess replica : replicas) {
      replica.awaitRest();
    }
    service = cpuNanos(replicas) - service;
    database = postgres == null ? 0 : postgres.cpuNanos() - database;
    long answers = loads.stream().mapToLong(Load::requests).sum();
    return new ReplicaLoad(
        answers,
        loads.stream().mapToDouble(Load::perSecond).sum(),
        loads.stream().mapToDouble(Load::p50Millis).max().orElse(0),
        loads.stream().mapToDouble(Load::p99Millis).max().orElse(0),
        (sum(replicas, "resure_group_batches_sum") - batches)
            / (sum(replicas, "resure_group_batches_count") - groups),
        service / 1e3 / answers,
        database / 1e3 / answers);
  }

  private static double sum(List<ServerProcess> replicas, String series)
      throws IOException, InterruptedException {
    double sum = 0;
    for (ServerProcess replica : replicas) {
      sum += replica.metric(series);
    }
    return sum;
  }

  private static long cpuNanos(List<ServerProcess> replicas) {
    return replicas.stream().mapToLong(ServerProcess::cpuNanos).sum();
  }

  private static List<Load> drive(
      List<ServerProcess> replicas,
      List<? extends Requests> requests,
      int connections,
      Duration time)
      throws InterruptedException {
    List<Load> loads = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(replicas.size())) {
      List<Future<Load>> driven = new ArrayList<>();
      for (int i = 0; i < replicas.size(); i++) {
        ServerProcess replica = replicas.get(i);
        Requests sent = requests.get(i);
        driven.add(
            threads.submit(
                () -> {
                  try (LoadClient client =
                      new LoadClient(replica.port(), Math.max(1, connections / replicas.size()))) {
                    return client.drive(sent, time);
                  }
                }));
      }
      for (Future<Load> each : driven) {
        loads.add(each.get());
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
    return loads;
  }

  double micros() {
    return serviceMicros + databaseMicros;
  }

  @Override
  public String toString() {
    return ("%9.0f batches/s  %6.1f a group  cpu us/batch: service %7.1f database %7.1f"
            + "  p50 %7.3f p99 %7.3f ms")
        .formatted(perSecond, groupBatches, serviceMicros, databaseMicros, p50Millis, p99Millis);
  }
}
