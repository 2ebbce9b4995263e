package resure.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import org.junit.jupiter.api.Test;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.Normalization;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;
import tools.jackson.dataformat.cbor.CBORMapper;

class SettingsTest {

  static final Settings EVERYTHING =
      Settings.builder()
          .function(new WeightFunction.Cauchy())
          .threshold(0.5)
          .sharpness(3)
          .floor(0.125)
          .warmUp(2)
          .maxTurns(5)
          .maxLoss(1e100)
          .halfLife(4000)
          .lag(1)
          .fold(FoldRule.RAW)
          .propagationStrength(0.25)
          .propagationDecay(0.75)
          .normalization(Normalization.RUN_MEAN)
          .shadow(true)
          .label("experiment", "a \uD83D\uDE00 b")
          .label("empty", "")
          .startFrom(new StartFrom("sft-41", 9000L, 500.0))
          .retention(Retention.ofSteps(20_000))
          .build();

  private static String written(Settings settings) {
    return new CBORMapper().readTree(RequestWriter.settings(settings)).toString();
  }

  private static Settings readBack(Settings settings) {
    return AnswerReader.readCbor(
        new ByteArrayInputStream(RequestWriter.settings(settings)), RunReader::readSettings);
  }

  @Test
  void onlyWhatWasSetIsSent() {
    assertThat(written(Settings.NONE)).isEqualTo("{}");
    assertThat(written(Settings.builder().threshold(0.5).halfLife(4000).build()))
        .isEqualTo("{\"halfLife\":4000.0,\"weighting\":{\"threshold\":0.5}}");
    assertThat(written(Settings.builder().halfLife(Double.POSITIVE_INFINITY).build()))
        .isEqualTo("{\"halfLife\":null}");
    assertThat(written(Settings.builder().retention(Retention.ALL).build()))
        .isEqualTo("{\"retention\":{\"observations\":\"all\"}}");
    assertThat(written(Settings.builder().retention(Retention.ofSteps(7)).build()))
        .isEqualTo("{\"retention\":{\"observations\":{\"steps\":7}}}");
  }

  @Test
  void everyFieldComesBack() {
    assertThat(readBack(EVERYTHING)).isEqualTo(EVERYTHING);
    Settings all = Settings.builder().retention(Retention.ALL).build();
    assertThat(readBack(all)).isEqualTo(all);
    assertThat(readBack(EVERYTHING).complete()).isEqualTo(EVERYTHING.complete());
  }

  @Test
  void aWholeConfigurationComesBackForEveryFunction() {
    for (WeightFunction function : WeightFunction.ALL) {
      Configuration configuration =
          EVERYTHING
              .complete()
              .withWeighting(Configuration.DEFAULT.weighting().withFunction(function));

      assertThat(RunReader.complete(readBack(Settings.of(configuration)))).isEqualTo(configuration);
    }
    assertThat(RunReader.complete(readBack(Settings.of(Configuration.DEFAULT))))
        .isEqualTo(Configuration.DEFAULT);
  }

  @Test
  void anAnswerWithAFieldLeftOutIsNotComplete() {
    assertThatThrownBy(() -> RunReader.complete(Settings.builder().threshold(1).build()))
        .isInstanceOf(UnexpectedAnswerException.class);
  }

  @Test
  void aNewRunGetsDefaultsForWhatIsNotSetAndTheThresholdOfItsFunction() {
    Weighting usual = Weighting.DEFAULT.withFunction(new WeightFunction.Exponential());

    assertThat(Settings.builder().lag(4).build().complete())
        .isEqualTo(Configuration.DEFAULT.withLag(4));
    assertThat(Settings.builder().function(usual.function()).build().complete().weighting())
        .isEqualTo(usual.withThreshold(1));
    assertThat(
            Settings.builder()
                .threshold(0.5)
                .function(usual.function())
                .build()
                .complete()
                .weighting())
        .isEqualTo(usual.withThreshold(0.5));
  }

  @Test
  void aValueOutOfItsRangeIsRefusedWhereItIsSet() {
    assertThatThrownBy(() -> Settings.builder().warmUp(1)).hasMessageContaining("warmUp");
    assertThatThrownBy(() -> Settings.builder().floor(Double.NaN)).hasMessageContaining("floor");
  }
}
