package resure.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.cbor.CBORMapper;

/** A batch on the wire, read back by somebody else's reader. */
class BatchWriterTest {

  private static final CBORMapper CBOR = new CBORMapper();

  private static JsonNode written(Batch batch) {
    return CBOR.readTree(BatchWriter.write(batch));
  }

  @Test
  void everyFieldOfTheContractIsWritten() {
    Batch batch =
        Batch.builder()
            .step(120)
            .rank(3)
            .microBatch(1)
            .attempt("job-7731")
            .dialogue("d-17")
            .source("sharegpt")
            .firstTurn(2)
            .loss(1.94, 118)
            .applied(1.0)
            .unsupervised()
            .loss(3.02, 64)
            .applied(0.5)
            .dialogue("d-90")
            .loss(0.5)
            .applied(0)
            .build();

    assertThat(written(batch).toString())
        .isEqualTo(
            "{'step':120,'rank':3,'microBatch':1,'attempt':'job-7731','dialogues':["
                .concat("{'id':'d-17','source':'sharegpt','firstTurn':2,")
                .concat("'losses':[1.94,null,3.02],'tokens':[118,null,64],")
                .concat("'weights':[1.0,null,0.5]},")
                .concat("{'id':'d-90','losses':[0.5],'tokens':[0],'weights':[0.0]}]}")
                .replace('\'', '"'));
  }

  @Test
  void whatIsNotSaidIsNotWritten() {
    assertThat(written(Batch.builder().dialogue("d").loss(1).build()).toString())
        .isEqualTo("{\"rank\":0,\"microBatch\":0,\"dialogues\":[{\"id\":\"d\",\"losses\":[1.0]}]}");
    assertThat(written(Batch.builder().build()).get("dialogues").size()).isZero();
    assertThat(written(Batch.builder().dialogue("d").build()).at("/dialogues/0/losses").size())
        .isZero();
  }

  @Test
  void lossesThatAreNoNumbersAreWrittenAsTheyAre() {
    Batch batch =
        Batch.builder()
            .dialogue("d")
            .loss(Double.NaN)
            .loss(Double.POSITIVE_INFINITY)
            .loss(Double.NEGATIVE_INFINITY)
            .loss(-0.0)
            .unsupervised()
            .build();

    JsonNode losses = written(batch).at("/dialogues/0/losses");

    assertThat(losses.get(0).doubleValue()).isNaN();
    assertThat(losses.get(1).doubleValue()).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(losses.get(2).doubleValue()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(losses.get(3).doubleValue()).isEqualTo(-0.0);
    assertThat(losses.get(4).isNull()).isTrue();
  }

  @Test
  void aLossThatIsAFloatTakesFiveBytesAndAnotherNine() {
    int floats = BatchWriter.write(losses(i -> (float) (i / 7.0))).length;
    int doubles = BatchWriter.write(losses(i -> i / 7.0)).length;

    // 1/7 of the indices are whole numbers of sevenths, which are floats too.
    assertThat(doubles - floats).isBetween(4 * 800, 4 * 1000);
  }

  private static Batch losses(java.util.function.IntToDoubleFunction loss) {
    BatchBuilder batch = Batch.builder().dialogue("d");
    for (int i = 0; i < 1000; i++) {
      batch.loss(loss.applyAsDouble(i));
    }
    return batch.build();
  }

  @Property(tries = 200)
  void everyDoubleComesBackBitForBit(@ForAll long bits) {
    double loss = Double.longBitsToDouble(bits);
    JsonNode tree = written(Batch.builder().dialogue("d").loss(loss).build());

    double back = tree.at("/dialogues/0/losses/0").doubleValue();
    assertThat(Double.compare(back, loss)).isZero();
  }

  @Test
  void unusualTextsComeBack() {
    String longest = "\uD83D\uDE00".repeat(256);
    for (String text : List.of("\u0001\n\"\\/", "\u2028 \uFFFD\uFEFF", "\uD83D\uDE00", longest)) {
      JsonNode tree =
          written(Batch.builder().attempt(text).dialogue(text).source(text).loss(1).build());

      assertThat(tree.at("/attempt").stringValue()).isEqualTo(text);
      assertThat(tree.at("/dialogues/0/id").stringValue()).isEqualTo(text);
      assertThat(tree.at("/dialogues/0/source").stringValue()).isEqualTo(text);
    }
  }

  @Test
  void textsThatTheServiceCouldNotTakeAreRefusedWhereTheyAreMade() {
    for (String text : List.of("", "a\0", "\uD83D", "\uDE00x", "x".repeat(257))) {
      assertThatThrownBy(() -> Batch.builder().dialogue(text))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Batch.builder().dialogue("d").source(text))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Batch.builder().attempt(text))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aRefusedDialogueLeavesTheBuilderAsItWas() {
    BatchBuilder builder = Batch.builder().dialogue("d-1").loss(1);

    assertThatThrownBy(() -> builder.dialogue("")).isInstanceOf(IllegalArgumentException.class);

    assertThat(builder.dialogue("d-2").loss(2).build().dialogues()).isEqualTo(2);
  }

  @Test
  void aBuilderGrowsAndBeginsAnew() {
    long seed = 7;
    Random random = new Random(seed);
    BatchBuilder builder = Batch.builder();
    for (int round = 0; round < 3; round++) {
      List<List<Double>> expected = new ArrayList<>();
      for (int d = 0; d < 100; d++) {
        builder.dialogue("d-" + d);
        List<Double> losses = new ArrayList<>();
        for (int t = random.nextInt(9); t > 0; t--) {
          losses.add(random.nextDouble());
          builder.loss(losses.get(losses.size() - 1));
        }
        expected.add(losses);
      }
      JsonNode dialogues = written(builder.build()).get("dialogues");
      for (int d = 0; d < 100; d++) {
        List<Double> losses = new ArrayList<>();
        dialogues.get(d).get("losses").forEach(loss -> losses.add(loss.doubleValue()));
        assertThat(losses).as("round %d, dialogue %d", round, d).isEqualTo(expected.get(d));
      }
    }
  }
}
