package resure.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class BatchRequestsTest {

  private static String next(BatchRequests requests) {
    ByteBuffer buffer = ByteBuffer.allocate(requests.capacity());
    requests.next(buffer);
    return new String(buffer.array(), 0, buffer.position(), StandardCharsets.US_ASCII);
  }

  private static JsonNode body(String request) {
    return JsonMapper.shared().readTree(request.substring(request.indexOf("\r\n\r\n") + 4));
  }

  @Test
  void theRanksOfAStepFollowEachOtherAndThenTheNextRun() {
    BatchRequests requests = new BatchRequests(Shape.S, 2, 2, false);
    List<String> order = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      String request = next(requests);
      JsonNode body = body(request);
      order.add(
          request.substring("POST /v1/runs/bench-".length(), request.indexOf("/observations"))
              + " "
              + body.get("step").asLong()
              + " "
              + body.get("rank").asInt());
    }
    assertThat(order)
        .containsExactly(
            "000000 1000000 0",
            "000000 1000000 1",
            "000001 1000000 0",
            "000001 1000000 1",
            "000000 1000001 0",
            "000000 1000001 1");
    assertThat(requests.sent()).isEqualTo(6);
  }

  @Test
  void aRequestIsWhatItsHeadSaysAndHoldsTheShape() {
    for (Shape shape : Shape.values()) {
      String request = next(new BatchRequests(shape, 1, 1, false));
      String length = "Content-Length: " + (request.length() - request.indexOf("\r\n\r\n") - 4);
      assertThat(request).contains(length + "\r\n").doesNotContain("Idempotency-Key");
      JsonNode dialogues = body(request).get("dialogues");
      assertThat(dialogues).hasSize(shape.dialogues());
      assertThat(dialogues.get(0).get("losses")).hasSize(shape.turns());
      assertThat(dialogues.get(0).get("id").asString()).matches("sgd-\\d_\\d{5}");
    }
  }

  @Test
  void everyLossIsADoubleThatIsAFloatWithAllItsDigits() {
    int digits = 0;
    String request = next(new BatchRequests(Shape.L, 1, 1, false));
    for (JsonNode dialogue : body(request).get("dialogues")) {
      for (JsonNode loss : dialogue.get("losses")) {
        assertThat(loss.doubleValue()).isEqualTo((float) loss.doubleValue());
        digits += loss.toString().replace(".", "").length();
      }
    }
    assertThat(digits / Shape.L.losses()).isBetween(15, 18);
  }

  @Test
  void keysNameRunStepAndRank() {
    BatchRequests requests = new BatchRequests(Shape.S, 1, 2, true);
    assertThat(next(requests)).contains("\r\nIdempotency-Key: 0/1000000/0/0\r\n");
    assertThat(next(requests)).contains("\r\nIdempotency-Key: 0/1000000/1/0\r\n");
  }
}
