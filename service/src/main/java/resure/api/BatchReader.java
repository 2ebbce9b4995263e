package resure.api;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.Arrays;
import java.util.StringJoiner;
import resure.observation.ObservationBatch;

/**
 * Reads the body of a POST of losses straight into columns. The columns are gathered in arrays that
 * are kept from batch to batch; a batch gets copies of the right length. Of several problems,
 * syntax comes first, then the order of the body. For one thread at a time.
 */
final class BatchReader {

  private static final long LARGEST_INTEGER = (1L << 53) - 1;

  private static final String INTEGER =
      "must be a whole number from 0 to " + LARGEST_INTEGER + ", without point and exponent.";
  private static final String WEIGHT = "must be a finite number of at least 0, or null.";

  @SuppressWarnings({
    "EnumOrdinal", // for a set of fields that is one int
    "ImmutableEnumChecker" // nobody changes the bytes
  })
  private enum Field {
    STEP("step"),
    RANK("rank"),
    MICRO_BATCH("microBatch"),
    ATTEMPT("attempt"),
    DIALOGUES("dialogues"),
    ID("id"),
    SOURCE("source"),
    FIRST_TURN("firstTurn"),
    LOSSES("losses"),
    TOKENS("tokens"),
    WEIGHTS("weights");

    final String text;
    final byte[] bytes;

    Field(String text) {
      this.text = text;
      bytes = text.getBytes(US_ASCII);
    }

    int bit() {
      return 1 << ordinal();
    }

    boolean in(int seen) {
      return (seen & bit()) != 0;
    }
  }

  private static final Field[] BATCH_FIELDS = {
    Field.STEP, Field.RANK, Field.MICRO_BATCH, Field.ATTEMPT, Field.DIALOGUES
  };
  private static final Field[] DIALOGUE_FIELDS = {
    Field.ID, Field.SOURCE, Field.LOSSES, Field.FIRST_TURN, Field.TOKENS, Field.WEIGHTS
  };

  private final int maxLosses;
  private final BodyScanner json = new JsonScanner();
  private final BodyScanner cbor = new CborScanner();
  private final SourceTable sources = new SourceTable();
  private BodyScanner in = json;

  /** Dialogues read before the current one, and all their losses. */
  private int dialogues;

  private int size;
  private boolean inDialogues;

  private double[] losses = {};
  private long[] unsupervised = {};
  private boolean anyUnsupervised;
  private int[] ends = new int[32];
  private byte[] ids = new byte[1024];
  private int[] idEnds = new int[32];
  private long[] firstTurns = new long[32];
  private boolean anyFirstTurn;
  private int[] sourceOf = new int[32];

  /** Filled as far as {@link #tokensEnd}: what is behind is of older batches. */
  private long[] tokens = {};

  private int tokensEnd;
  private boolean anyTokens;

  /** Likewise. */
  private double[] weights = {};

  private int weightsEnd;
  private boolean anyWeights;

  /**
   * A reader of batches of at most this many losses, null ones included.
   *
   * @param maxLosses {@code resure.limits.losses}
   */
  BatchReader(int maxLosses) {
    this.maxLosses = maxLosses;
  }

  /**
   * Reads the first {@code length} bytes of {@code body}. The batch keeps nothing of it.
   *
   * @throws ProblemException of type {@link ProblemType#MALFORMED_BODY}, {@link
   *     ProblemType#INVALID_FIELD}, or {@link ProblemType#LIMIT_EXCEEDED}
   */
  ObservationBatch read(Representation representation, byte[] body, int length) {
    clear();
    in = representation == Representation.CBOR ? cbor : json;
    in.start(body, length);
    try {
      return batch();
    } catch (ProblemException problem) {
      // Only of what is well-formed throughout, a field is said to be wrong.
      in.checkSyntax();
      throw problem;
    } finally {
      in.stop();
    }
  }

  private void clear() {
    dialogues = 0;
    size = 0;
    inDialogues = false;
    sources.clear();
    if (anyUnsupervised) {
      Arrays.fill(unsupervised, 0);
    }
    anyUnsupervised = false;
    anyFirstTurn = false;
    tokensEnd = 0;
    anyTokens = false;
    weightsEnd = 0;
    anyWeights = false;
  }

  private ObservationBatch batch() {
    long step = ObservationBatch.NO_STEP;
    long rank = 0;
    long microBatch = 0;
    String attempt = null;
    if (!in.startObject()) {
      throw ProblemException.invalid("", "The body must be an object.");
    }
    int seen = 0;
    while (in.nextField()) {
      Field field = field(BATCH_FIELDS, seen);
      seen |= field.bit();
      switch (field) {
        case STEP -> step = in.takeNull() ? ObservationBatch.NO_STEP : integer(field);
        case RANK -> rank = integer(field);
        case MICRO_BATCH -> microBatch = integer(field);
        case ATTEMPT -> attempt = in.takeNull() ? null : attempt();
        default -> dialogues();
      }
    }
    require(Field.DIALOGUES, seen);
    in.expectEnd();
    int[] offsets = new int[dialogues + 1];
    System.arraycopy(ends, 0, offsets, 1, dialogues);
    return new ObservationBatch(
        step,
        rank,
        microBatch,
        attempt,
        offsets,
        Arrays.copyOf(losses, size),
        anyUnsupervised ? Arrays.copyOf(unsupervised, words(size)) : null,
        anyFirstTurn ? Arrays.copyOf(firstTurns, dialogues) : null,
        Arrays.copyOf(ids, dialogues == 0 ? 0 : idEnds[dialogues - 1]),
        Arrays.copyOf(idEnds, dialogues),
        sources.names(),
        sources.names().isEmpty() ? null : Arrays.copyOf(sourceOf, dialogues),
        anyTokens ? tokenColumn() : null,
        anyWeights ? weightColumn() : null);
  }

  private String attempt() {
    text(Field.ATTEMPT);
    return in.textString();
  }

  private void dialogues() {
    if (!in.startArray()) {
      throw ProblemException.invalid(pointer(Field.DIALOGUES), "must be an array of dialogues.");
    }
    inDialogues = true;
    while (in.nextElement()) {
      if (dialogues == ends.length) {
        int more = 2 * dialogues;
        ends = Arrays.copyOf(ends, more);
        idEnds = Arrays.copyOf(idEnds, more);
        firstTurns = Arrays.copyOf(firstTurns, more);
        sourceOf = Arrays.copyOf(sourceOf, more);
      }
      dialogue();
      dialogues++;
    }
    inDialogues = false;
  }

  private void dialogue() {
    if (!in.startObject()) {
      throw ProblemException.invalid(object(), "must be a dialogue, an object.");
    }
    firstTurns[dialogues] = 0;
    sourceOf[dialogues] = -1;
    int count = 0;
    int tokenCount = -1;
    int weightCount = -1;
    int seen = 0;
    while (in.nextField()) {
      Field field = field(DIALOGUE_FIELDS, seen);
      seen |= field.bit();
      switch (field) {
        case ID -> id();
        case SOURCE -> source();
        case FIRST_TURN -> firstTurn();
        case LOSSES -> count = losses();
        case TOKENS -> tokenCount = in.takeNull() ? -1 : tokens();
        default -> weightCount = in.takeNull() ? -1 : weights();
      }
    }
    require(Field.ID, seen);
    require(Field.LOSSES, seen);
    checkShape(Field.TOKENS, tokenCount, count);
    checkShape(Field.WEIGHTS, weightCount, count);
    if (weightCount > 0) {
      checkNulls(count);
    }
    size += count;
    ends[dialogues] = size;
  }

  private void id() {
    text(Field.ID);
    int from = dialogues == 0 ? 0 : idEnds[dialogues - 1];
    int length = in.textTo() - in.textFrom();
    if (from + length > ids.length) {
      ids = Arrays.copyOf(ids, 2 * (from + length));
    }
    System.arraycopy(in.textBytes(), in.textFrom(), ids, from, length);
    idEnds[dialogues] = from + length;
  }

  private void source() {
    if (!in.takeNull()) {
      text(Field.SOURCE);
      sourceOf[dialogues] = sources.index(in.textBytes(), in.textFrom(), in.textTo());
    }
  }

  private void firstTurn() {
    long firstTurn = integer(Field.FIRST_TURN);
    firstTurns[dialogues] = firstTurn;
    anyFirstTurn |= firstTurn != 0;
  }

  private int losses() {
    if (!in.startArray()) {
      throw ProblemException.invalid(
          pointer(Field.LOSSES), "must be an array of numbers, one for each turn.");
    }
    int at = size;
    while (in.nextElement()) {
      if (at == losses.length) {
        losses = Arrays.copyOf(losses, more(at));
        unsupervised = Arrays.copyOf(unsupervised, words(losses.length));
      }
      if (in.atNumber()) {
        at = in.numbers(losses, at);
      } else if (in.takeNull()) {
        losses[at] = Double.NaN;
        unsupervised[at >> 6] |= 1L << at;
        anyUnsupervised = true;
        at++;
      } else {
        throw ProblemException.invalid(pointer(Field.LOSSES, at), "must be a number or null.");
      }
    }
    return at - size;
  }

  private int tokens() {
    if (!in.startArray()) {
      throw ProblemException.invalid(pointer(Field.TOKENS), "must be an array of whole numbers.");
    }
    if (tokens.length < size) {
      tokens = Arrays.copyOf(tokens, losses.length);
    }
    Arrays.fill(tokens, tokensEnd, size, 0);
    int at = size;
    while (in.nextElement()) {
      if (at == tokens.length) {
        tokens = Arrays.copyOf(tokens, more(at));
      }
      long count = in.takeNull() ? 0 : integer(Field.TOKENS, at);
      tokens[at++] = count;
      anyTokens |= count != 0;
    }
    tokensEnd = at;
    return at - size;
  }

  private int weights() {
    if (!in.startArray()) {
      throw ProblemException.invalid(pointer(Field.WEIGHTS), "must be an array of numbers.");
    }
    if (weights.length < size) {
      weights = Arrays.copyOf(weights, losses.length);
    }
    Arrays.fill(weights, weightsEnd, size, Double.NaN);
    int at = size;
    while (in.nextElement()) {
      if (at == weights.length) {
        weights = Arrays.copyOf(weights, more(at));
      }
      if (in.takeNull()) {
        weights[at++] = Double.NaN;
        continue;
      }
      if (!in.atNumber()) {
        throw ProblemException.invalid(pointer(Field.WEIGHTS, at), WEIGHT);
      }
      int from = at;
      at = in.numbers(weights, from);
      for (int i = from; i < at; i++) {
        if (!(weights[i] >= 0 && weights[i] < Double.POSITIVE_INFINITY)) {
          throw ProblemException.invalid(pointer(Field.WEIGHTS, i), WEIGHT);
        }
      }
      anyWeights = true;
    }
    weightsEnd = at;
    return at - size;
  }

  private long[] tokenColumn() {
    long[] column = Arrays.copyOf(tokens, size);
    Arrays.fill(column, tokensEnd, size, 0);
    return column;
  }

  private double[] weightColumn() {
    double[] column = Arrays.copyOf(weights, size);
    Arrays.fill(column, weightsEnd, size, Double.NaN);
    return column;
  }

  /** Length for a column that is full. */
  private int more(int full) {
    if (full == maxLosses) {
      throw ProblemException.limit(
          ProblemType.LIMIT_EXCEEDED,
          "resure.limits.losses",
          "A batch has at most " + maxLosses + " losses.");
    }
    return (int) Math.min(Math.max(256, 2L * full), maxLosses);
  }

  private static int words(int bits) {
    return (bits + 63) >> 6;
  }

  private void checkShape(Field field, int count, int losses) {
    if (count >= 0 && count != losses) {
      throw ProblemException.invalid(
          pointer(field),
          "must have as many elements as losses: " + losses + ", not " + count + ".");
    }
  }

  /** A weight was applied exactly where there is a loss. */
  private void checkNulls(int count) {
    for (int at = size; at < size + count; at++) {
      boolean supervised = (unsupervised[at >> 6] & 1L << at) == 0;
      if (supervised == Double.isNaN(weights[at])) {
        throw ProblemException.invalid(
            pointer(Field.WEIGHTS, at), "must be null exactly where the loss is null.");
      }
    }
  }

  private long integer(Field field) {
    return integer(field, -1);
  }

  private long integer(Field field, int at) {
    if (!in.atNumber()) {
      throw ProblemException.invalid(pointer(field, at), INTEGER);
    }
    in.number();
    long value = in.integer();
    if (value < 0 || value > LARGEST_INTEGER) {
      throw ProblemException.invalid(pointer(field, at), INTEGER);
    }
    return value;
  }

  private void text(Field field) {
    if (!in.atText()) {
      throw ProblemException.invalid(pointer(field), "must be a string.");
    }
    in.text();
    int length = in.codePoints();
    if (length == 0 || length > BodyScanner.MAX_CODE_POINTS || !in.sound()) {
      throw ProblemException.invalid(
          pointer(field),
          "must have 1 to "
              + BodyScanner.MAX_CODE_POINTS
              + " Unicode characters, none of them U+0000 or half a surrogate pair.");
    }
  }

  private Field field(Field[] known, int seen) {
    if (!in.name()) {
      throw ProblemException.invalid(object(), "must have names that are text.");
    }
    for (Field field : known) {
      if (in.textIs(field.bytes)) {
        if (field.in(seen)) {
          throw ProblemException.invalid(pointer(field), "is there twice.");
        }
        return field;
      }
    }
    throw unknown(known);
  }

  private ProblemException unknown(Field[] known) {
    StringJoiner names = new StringJoiner(", ", "The fields here are ", ".");
    for (Field field : known) {
      names.add(field.text);
    }
    // A long name would make a long answer: then the pointer is to the object that has it.
    String pointer =
        in.codePoints() > 64
            ? object()
            : object() + "/" + in.textString().replace("~", "~0").replace("/", "~1");
    return ProblemException.invalid(pointer, "is not known. " + names);
  }

  private void require(Field field, int seen) {
    if (!field.in(seen)) {
      throw ProblemException.invalid(pointer(field), "is required.");
    }
  }

  /** Pointer to the object that is being read. */
  private String object() {
    return inDialogues ? "/dialogues/" + dialogues : "";
  }

  private String pointer(Field field) {
    return object() + "/" + field.text;
  }

  /** Pointer to an element of a field, by its place in the column; to the field where negative. */
  private String pointer(Field field, int at) {
    return at < 0 ? pointer(field) : pointer(field) + "/" + (at - size);
  }
}
