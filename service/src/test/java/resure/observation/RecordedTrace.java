package resure.observation;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;

/** Losses of a real training, from the example's data. */
public final class RecordedTrace {

  private static final Path FILE = Path.of("../examples/trace-11.jsonl.gz");
  private static final Pattern ROW =
      Pattern.compile(
          "\\{\"step\": (\\d+), \"dialogue\": \"([^\"]+)\", .*\"turn\": (\\d+), \"loss\":"
              + " ([-0-9.e]+), .*");

  private RecordedTrace() {}

  /** The dialogues of each step, dealt out to so many ranks, a batch each. */
  public static List<List<ObservationBatch>> steps(int ranks) {
    Map<Long, Map<String, TreeMap<Integer, Double>>> steps = new TreeMap<>();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(FILE)), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher row = ROW.matcher(line);
        if (!row.matches()) {
          throw new AssertionError(line);
        }
        steps
            .computeIfAbsent(Long.parseLong(row.group(1)), step -> new LinkedHashMap<>())
            .computeIfAbsent(row.group(2), dialogue -> new TreeMap<>())
            .put(Integer.parseInt(row.group(3)), Double.parseDouble(row.group(4)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    List<List<ObservationBatch>> dealt = new ArrayList<>();
    steps.forEach((step, dialogues) -> dealt.add(deal(step, dialogues, ranks)));
    return dealt;
  }

  private static List<ObservationBatch> deal(
      long step, Map<String, TreeMap<Integer, Double>> dialogues, int ranks) {
    List<List<double[]>> hands = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      hands.add(new ArrayList<>());
    }
    int next = 0;
    for (TreeMap<Integer, Double> turns : dialogues.values()) {
      double[] losses = new double[turns.lastKey() + 1];
      for (int turn = 0; turn < losses.length; turn++) {
        losses[turn] = turns.getOrDefault(turn, Double.NaN);
      }
      hands.get(next++ % ranks).add(losses);
    }
    List<ObservationBatch> batches = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      batches.add(Batches.of(step, rank, hands.get(rank).toArray(new double[0][])));
    }
    return batches;
  }
}
