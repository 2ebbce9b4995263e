package resure.bench;

import java.nio.ByteBuffer;

/** Whole requests, in the order in which they are sent. Owner thread only. */
interface Requests {

  /** Bytes of the largest request. */
  int capacity();

  /** Puts the next request into an empty buffer of that capacity. */
  void next(ByteBuffer buffer);

  /** What every answer must be. */
  Answers answers();
}
