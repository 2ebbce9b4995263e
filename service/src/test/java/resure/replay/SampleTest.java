package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import resure.observation.ObservationBatch;

class SampleTest {

  /** Worked out from the definition in Python; results of different releases are compared. */
  @Test
  void theHashOfADialogueNeverChanges() {
    assertThat(Sample.hash("d-17")).isEqualTo(0x1bd631eafae14e07L);
    assertThat(Sample.hash("sgd-5_00096")).isEqualTo(0x44409045ecd5c81eL);
    assertThat(Sample.hash("dialogue \u00e9\ud83d\ude00")).isEqualTo(0x5d313910592876a8L);
  }

  private static ObservationBatch visit(String id, int losses) {
    Double[] all = new Double[losses + 1];
    Arrays.fill(all, 2.0);
    all[losses] = null;
    return Dialogue.batch(0, 0, 0, null, List.of(new Dialogue(id, null, 0, all)));
  }

  @RepeatedTest(10)
  void theDialoguesOfTheSmallestHashesAreSampledWhateverTheOrder(RepetitionInfo repetition) {
    Random random = new Random(repetition.getCurrentRepetition());
    List<ObservationBatch> visits = new ArrayList<>();
    for (int v = 0; v < 4000; v++) {
      visits.add(visit("d-" + random.nextInt(1000), random.nextInt(20)));
    }
    Sample sample = sample(visits);
    List<String> ids = IntStream.range(0, 1000).mapToObj(d -> "d-" + d).toList();
    List<String> in = ids.stream().filter(id -> sample.member(visit(id, 1), 0) >= 0).toList();
    long[] observations =
        in.stream()
            .mapToLong(
                id ->
                    visits.stream()
                        .filter(visit -> visit.id(0).equals(id))
                        .mapToLong(ObservationBatch::observations)
                        .sum())
            .toArray();

    Collections.shuffle(visits, random);
    Sample other = sample(visits);

    assertThat(LongStream.of(observations).sum()).isBetween(8192L - 200, 8192L);
    assertThat(ids.stream().filter(id -> other.member(visit(id, 1), 0) >= 0).toList())
        .isEqualTo(in);
    String last = in.stream().max(SampleTest::byHash).orElseThrow();
    assertThat(ids.stream().filter(id -> byHash(id, last) <= 0).sorted().toList())
        .isEqualTo(in.stream().sorted().toList());
  }

  private static int byHash(String a, String b) {
    return Long.compareUnsigned(Sample.hash(a), Sample.hash(b));
  }

  private static Sample sample(List<ObservationBatch> visits) {
    Sample sample = new Sample();
    visits.forEach(sample::count);
    return sample;
  }

  @Test
  void aDialogueThatFillsTheSampleAloneIsStillInIt() {
    List<ObservationBatch> visits = new ArrayList<>();
    for (int v = 0; v < 3; v++) {
      visits.add(visit("one", 5000));
      visits.add(visit("two", 5000));
    }

    Sample sample = sample(visits);

    String in = byHash("one", "two") < 0 ? "one" : "two";
    assertThat(sample.member(visit(in, 1), 0)).isZero();
    assertThat(sample.member(visit(in.equals("one") ? "two" : "one", 1), 0)).isEqualTo(-1);
  }

  @Test
  void allIsSampledWhereThereIsLittle() {
    Sample sample = sample(List.of(visit("a", 1), visit("b", 8191), visit("c", 0)));

    assertThat(sample.member(visit("b", 1), 0)).isZero();
    assertThat(sample.member(visit("a", 1), 0)).isEqualTo(1);
    assertThat(sample.member(visit("b", 1), 0)).isZero();
  }
}
