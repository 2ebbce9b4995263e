package resure.api;

import static java.nio.charset.StandardCharsets.US_ASCII;

/** The fields of the answer to a POST of losses, with their names as they are written. */
@SuppressWarnings("ImmutableEnumChecker") // nobody changes the bytes
enum AnswerField {
  SEQUENCE("sequence"),
  STEP("step"),
  WEIGHTS("weights"),
  SUMMARY("summary"),
  OBSERVATIONS("observations"),
  MEAN_WEIGHT("meanWeight"),
  EFFECTIVE_SAMPLE_SIZE("effectiveSampleSize"),
  RUN_MEAN_WEIGHT("runMeanWeight"),
  DOWN_WEIGHTED("downWeighted"),
  UNUSABLE("unusable"),
  WARMING_UP("warmingUp"),
  LATE("late"),
  STATISTICS("statistics");

  /** With the colon behind it. */
  final byte[] json;

  /** With its head: below 24 characters, one byte. */
  final byte[] cbor;

  AnswerField(String name) {
    json = ("\"" + name + "\":").getBytes(US_ASCII);
    cbor = ((char) (0x60 + name.length()) + name).getBytes(US_ASCII);
  }
}
