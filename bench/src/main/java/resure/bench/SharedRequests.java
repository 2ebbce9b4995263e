package resure.bench;

import java.nio.ByteBuffer;

/** The same requests for several clients, each on a thread of its own. */
final class SharedRequests implements Requests {

  private final Requests requests;

  SharedRequests(Requests requests) {
    this.requests = requests;
  }

  @Override
  public int capacity() {
    return requests.capacity();
  }

  @Override
  public synchronized void next(ByteBuffer buffer) {
    requests.next(buffer);
  }

  @Override
  public Answers answers() {
    return requests.answers();
  }
}
