package resure.bench;

import java.nio.ByteBuffer;

/** Whole HTTP/1.1 requests, in the order in which they are sent. Owner thread only. */
interface Requests {

  /** Bytes of the largest request. */
  int capacity();

  /** Puts the next request, head and body, into an empty buffer of that capacity. */
  void next(ByteBuffer buffer);

  /** Status that every answer must have. */
  int status();

  /** Bytes that every answer's body must have at least. */
  int smallestAnswer();
}
