package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import resure.journal.CorruptJournalException;
import resure.journal.Entries;
import resure.run.WholeFrom;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.Normalization;

/** What version 1 wrote is read for ever, and what is written now is the same bytes. */
class ReplayFormatTest {

  private static final Instant AT = Instant.ofEpochMilli(1_767_225_600_123L);

  private static final Configuration CONFIGURATION =
      Entries.CONFIGURATION
          .withHalfLife(4000)
          .withLag(2)
          .withFold(FoldRule.RAW)
          .withNormalization(Normalization.RUN_MEAN)
          .withShadow(true);

  private static final ReplayPlan PLAN =
      new ReplayPlan(
          List.of(Entries.CONFIGURATION, CONFIGURATION),
          List.of(new Bad("d-17", null), new Bad("\u00fc\ud83d\ude00", 3L)),
          true,
          List.of(
              new RankBy(Measure.EFFECTIVE_SAMPLE_RATIO, 0.8, null),
              new RankBy(Measure.AUROC, null, null)));

  private static final ReplayFormat.Asked ASKED = asked(new WholeFrom(7, 9));

  private static final ReplayFormat.Ended ENDED = ended(new WholeFrom(7, 9));

  private static ReplayFormat.Asked asked(WholeFrom wholeFrom) {
    return new ReplayFormat.Asked(AT, 122, 120, 724, wholeFrom, 2);
  }

  private static ReplayFormat.Ended ended(WholeFrom wholeFrom) {
    return new ReplayFormat.Ended(
        new Replay(
            "01KGB3J6QZ8X0V6T3N9D2M4RWC",
            Replay.State.FAILED,
            0,
            2,
            AT,
            AT.plusSeconds(1),
            122,
            wholeFrom,
            "It failed."),
        3,
        4);
  }

  private static final List<Tried> PIECE =
      List.of(
          new Tried(
              CONFIGURATION,
              new ReplayResult(
                  1,
                  new Tally(4, 2.5, 1.75, 3),
                  List.of(new TurnTally(0, new Tally(4, 2.5, 1.75, 3))),
                  List.of(
                      new SourceTally("sharegpt", false, new Tally(1, 1, 1, 0)),
                      new SourceTally(null, false, new Tally(2, 1, 0.5, 2)),
                      new SourceTally(null, true, new Tally(1, 0.5, 0.25, 1))),
                  0.625,
                  new Separation(0.75, 0, 0.5, 0.001, 0.25, 0.9))),
          new Tried(
              Entries.CONFIGURATION,
              new ReplayResult(0, Tally.NONE, List.of(), List.of(), Double.NaN, null)));

  private static byte[] golden(String name) throws IOException {
    return golden(name, 2);
  }

  private static byte[] golden(String name, int version) throws IOException {
    try (InputStream in =
        ReplayFormatTest.class.getResourceAsStream(
            "/resure/replay/" + name + "-" + version + ".hex")) {
      String hex =
          new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.US_ASCII);
      return HexFormat.of().parseHex(hex.replaceAll("\\s", ""));
    }
  }

  @Test
  void whatVersion1WroteIsReadForEver() throws Exception {
    assertThat(ReplayFormat.asked(golden("request", 1))).isEqualTo(asked(WholeFrom.BEGINNING));
    assertThat(ReplayFormat.plan(golden("request", 1))).isEqualTo(PLAN);
    assertThat(ReplayFormat.ended(ENDED.replay().id(), golden("end", 1)))
        .isEqualTo(ended(WholeFrom.BEGINNING));
    assertThat(ReplayFormat.tried(golden("piece", 1))).isEqualTo(PIECE);
  }

  @Test
  void aRequestIsReadAsItWasWritten() throws Exception {
    byte[] golden = golden("request");

    assertThat(ReplayFormat.asked(golden)).isEqualTo(ASKED);
    assertThat(ReplayFormat.plan(golden)).isEqualTo(PLAN);
    assertThat(HexFormat.of().formatHex(ReplayFormat.request(ASKED, PLAN)))
        .isEqualTo(HexFormat.of().formatHex(golden));
  }

  @Test
  void anEndIsReadAsItWasWritten() throws Exception {
    byte[] golden = golden("end");

    assertThat(ReplayFormat.ended(ENDED.replay().id(), golden)).isEqualTo(ENDED);
    assertThat(HexFormat.of().formatHex(ReplayFormat.end(ENDED)))
        .isEqualTo(HexFormat.of().formatHex(golden));
  }

  @Test
  void aPieceIsReadAsItWasWritten() throws Exception {
    byte[] golden = golden("piece");

    assertThat(ReplayFormat.tried(golden)).isEqualTo(PIECE);
    assertThat(HexFormat.of().formatHex(ReplayFormat.piece(PIECE)))
        .isEqualTo(HexFormat.of().formatHex(golden));
  }

  private interface Decoding {
    void of(byte[] bytes) throws CorruptJournalException;
  }

  @Test
  void whatIsCutOrOfANewerVersionOrLongerIsRefused() throws Exception {
    requireStrict("request", ReplayFormat::plan);
    requireStrict("end", bytes -> ReplayFormat.ended("id", bytes));
    requireStrict("piece", ReplayFormat::tried);
  }

  private static void requireStrict(String name, Decoding decoding) throws Exception {
    byte[] golden = golden(name);
    for (int length = 0; length < golden.length; length++) {
      byte[] cut = Arrays.copyOf(golden, length);
      assertThatThrownBy(() -> decoding.of(cut))
          .as("%d of %d bytes of a %s", length, golden.length, name)
          .isInstanceOf(CorruptJournalException.class);
    }
    byte[] longer = Arrays.copyOf(golden, golden.length + 1);
    assertThatThrownBy(() -> decoding.of(longer)).isInstanceOf(CorruptJournalException.class);
    byte[] newer = golden.clone();
    newer[0] = 3;
    assertThatThrownBy(() -> decoding.of(newer))
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContaining("newer release");
  }

  @Test
  void wrongBytesAreRefusedOrReadButNeverFillTheMemory() throws Exception {
    for (String name : List.of("request", "end", "piece")) {
      byte[] golden = golden(name);
      for (int at = 1; at < golden.length; at++) {
        byte[] wrong = golden.clone();
        wrong[at] = (byte) 0x7f;
        try {
          switch (name) {
            case "request" -> ReplayFormat.plan(wrong);
            case "end" -> ReplayFormat.ended("id", wrong);
            default -> ReplayFormat.tried(wrong);
          }
        } catch (CorruptJournalException e) {
          assertThat(e).as("byte %d of a %s", at, name).isNotNull();
        }
      }
    }
  }
}
