package resure.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** What every answer to a client must be, and where it ends. */
sealed interface Answers {

  /**
   * Bytes of the whole answer that is arriving, or 0 while too little of it is there to tell.
   *
   * @param received what has arrived, up to its position; stays as it is
   * @throws IOException quoting the answer, if it is not as expected
   */
  int length(ByteBuffer received) throws IOException;

  /**
   * HTTP/1.1 with a {@code Content-Length}.
   *
   * @param status of every answer
   * @param smallest bytes that every answer's body has at least
   */
  record Http(int status, int smallest) implements Answers {

    @Override
    public int length(ByteBuffer received) throws IOException {
      int end = headEnd(received);
      if (end < 0) {
        return 0;
      }
      byte[] bytes = new byte[end];
      received.get(0, bytes);
      String head = new String(bytes, StandardCharsets.ISO_8859_1);
      if (!head.startsWith("HTTP/1.1 " + status)) {
        throw new IOException("expected " + status + ": " + text(received));
      }
      String name = "\r\ncontent-length:";
      int at = head.toLowerCase(Locale.ROOT).indexOf(name);
      if (at < 0) {
        throw new IOException("an answer without Content-Length: " + text(received));
      }
      int from = at + name.length();
      int length = Integer.parseInt(head.substring(from, head.indexOf('\r', from)).strip());
      return end + atLeast(smallest, length, received);
    }

    /** Where the body begins, or -1. */
    private static int headEnd(ByteBuffer received) {
      for (int i = 3; i < received.position(); i++) {
        if (received.get(i) == '\n'
            && received.get(i - 1) == '\r'
            && received.get(i - 2) == '\n'
            && received.get(i - 3) == '\r') {
          return i + 1;
        }
      }
      return -1;
    }
  }

  /**
   * Bulk strings of RESP, the protocol of Redis.
   *
   * @param smallest bytes that every one has at least
   */
  record BulkStrings(int smallest) implements Answers {

    private static final int LONGEST_HEAD = 16;

    @Override
    public int length(ByteBuffer received) throws IOException {
      int arrived = Math.min(received.position(), LONGEST_HEAD);
      byte[] bytes = new byte[arrived];
      received.get(0, bytes);
      String head = new String(bytes, StandardCharsets.ISO_8859_1);
      if (!head.isEmpty() && head.charAt(0) != '$') {
        throw new IOException("expected a bulk string: " + text(received));
      }
      int end = head.indexOf("\r\n");
      if (end < 0) {
        return 0;
      }
      int length = Integer.parseInt(head.substring(1, end));
      return end + 2 + atLeast(smallest, length, received) + 2;
    }
  }

  private static int atLeast(int smallest, int length, ByteBuffer received) throws IOException {
    if (length < smallest) {
      throw new IOException("an answer too short: " + text(received));
    }
    return length;
  }

  /** Beginning of what has arrived. */
  static String text(ByteBuffer received) {
    byte[] bytes = new byte[Math.min(received.position(), 2000)];
    received.get(0, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
