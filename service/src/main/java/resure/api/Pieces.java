package resure.api;

import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;
import resure.journal.JournalException;

/** A long answer that is made while it is read: a slow reader leaves one piece in memory. */
interface Pieces {

  /** The next piece, which may be empty; null at the end. Blocks; one thread at a time. */
  byte @Nullable [] next() throws JournalException;

  /** Says that nothing more is asked for. */
  default void close() {}

  /** The pieces as a body; whoever stops reading ends their making. */
  static Flux<DataBuffer> body(Pieces pieces, DataBufferFactory buffers) {
    return Flux.<DataBuffer, Pieces>generate(
            () -> pieces,
            (rest, sink) -> {
              try {
                byte[] piece = rest.next();
                if (piece == null) {
                  sink.complete();
                } else {
                  sink.next(buffers.wrap(piece));
                }
              } catch (JournalException e) {
                sink.error(e);
              }
              return rest;
            },
            Pieces::close)
        .subscribeOn(Schedulers.boundedElastic());
  }
}
