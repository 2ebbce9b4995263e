package resure.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** PUTs of new runs of default configuration, one after the other. Owner thread only. */
final class CreateRequests implements Requests {

  private final Bearer bearer;
  private int created;

  CreateRequests() {
    this(Bearer.NONE);
  }

  CreateRequests(Bearer bearer) {
    this.bearer = bearer;
  }

  @Override
  public int capacity() {
    return 512 + bearer.header().length();
  }

  @Override
  public void next(ByteBuffer buffer) {
    String request =
        "PUT /v1/runs/"
            + BatchRequests.runName(created++)
            + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            + bearer.header()
            + "Content-Length: 2\r\n\r\n{}";
    buffer.put(request.getBytes(StandardCharsets.US_ASCII));
  }

  @Override
  public Answers answers() {
    return new Answers.Http(201, 2);
  }
}
