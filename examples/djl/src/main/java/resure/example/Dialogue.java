package resure.example;

import java.util.Random;

/**
 * A made-up dialogue: what is asked names topic and turn, and the topic's answer to it is always
 * the same, but for those of a source that answers at random.
 *
 * @param id of the dialogue
 * @param source {@code clean} or {@code noisy}
 * @param tokens all turns, each a question of one token and an answer of {@link #ANSWER}
 */
@SuppressWarnings("ArrayRecordComponent") // made once, compared never
record Dialogue(String id, String source, int[] tokens) {

  static final int TURNS = 4;
  static final int ANSWER = 4;

  /** Tokens of a dialogue. */
  static final int LENGTH = TURNS * (1 + ANSWER);

  private static final int TOPICS = 6;
  private static final int QUESTIONS = TOPICS * TURNS;
  private static final int ANSWERS = 40;

  /** Different tokens. */
  static final int VOCABULARY = QUESTIONS + ANSWERS;

  /** The dialogue of that number, the same for ever: every fifth is noisy. */
  static Dialogue of(long number) {
    Random random = new Random(number * 0x9E3779B97F4A7C15L);
    boolean noisy = number % 5 == 0;
    int topic = random.nextInt(TOPICS);
    int[] tokens = new int[LENGTH];
    for (int turn = 0, i = 0; turn < TURNS; turn++) {
      tokens[i++] = topic * TURNS + turn;
      for (int k = 0; k < ANSWER; k++) {
        int known = (topic * 7 + turn * 11 + k * 13) % ANSWERS;
        tokens[i++] = QUESTIONS + (noisy ? random.nextInt(ANSWERS) : known);
      }
    }
    return new Dialogue("dialogue-" + number, noisy ? "noisy" : "clean", tokens);
  }
}
