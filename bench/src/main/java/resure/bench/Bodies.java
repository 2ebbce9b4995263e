package resure.bench;

import java.nio.charset.StandardCharsets;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.cbor.CBORMapper;

/** Batches as Python's {@code json.dumps} writes them: float32 losses as doubles of 17 digits. */
public final class Bodies {

  /** The step of every body. */
  static final long STEP = 1_000_000;

  private Bodies() {}

  /** One of many batches of a shape; ids come back in other batches, sources are two. */
  public static byte[] json(Shape shape, int variant) {
    double[] losses = Losses.batch(shape, variant);
    StringBuilder json = new StringBuilder(32 * losses.length);
    json.append("{\"step\": ").append(STEP).append(", \"rank\": 100, \"dialogues\": [");
    for (int dialogue = 0, i = 0; dialogue < shape.dialogues(); dialogue++) {
      int number = (variant * shape.dialogues() + dialogue) % 4096;
      json.append(dialogue == 0 ? "" : ", ")
          .append("{\"id\": \"")
          .append("sgd-%d_%05d".formatted(number % 9, number))
          .append("\", \"source\": \"")
          .append(number % 3 == 0 ? "taskmaster" : "sgd")
          .append("\", \"losses\": [");
      for (int turn = 0; turn < shape.turns(); turn++) {
        json.append(turn == 0 ? "" : ", ").append(losses[i++]);
      }
      json.append("]}");
    }
    return json.append("]}").toString().getBytes(StandardCharsets.US_ASCII);
  }

  /** The same in CBOR: definite lengths, losses as doubles. */
  public static byte[] cbor(Shape shape, int variant) {
    return CBORMapper.shared()
        .writeValueAsBytes(JsonMapper.shared().readTree(json(shape, variant)));
  }
}
