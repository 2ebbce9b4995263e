package resure.client;

import static resure.client.AnswerReader.required;

import java.util.Set;
import java.util.Spliterator;
import java.util.Spliterators.AbstractSpliterator;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/** An export as it arrives. Its array ends, or it is cut. */
final class Export extends AbstractSpliterator<ExportedObservation> implements AutoCloseable {

  private final FlowingBody body;
  private final Set<Export> open;
  private @Nullable AnswerReader in;
  private boolean atEnd;

  /**
   * Of an answer whose body flows.
   *
   * @param open where it is listed until it is closed or at its end
   */
  Export(Reply reply, Set<Export> open) {
    super(Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.NONNULL | Spliterator.IMMUTABLE);
    body = (FlowingBody) reply.body();
    this.open = open;
    try {
      reply.require(Reply.CBOR);
    } catch (UnexpectedAnswerException e) {
      body.close();
      throw e;
    }
    open.add(this);
  }

  Stream<ExportedObservation> stream() {
    return StreamSupport.stream(this, false).onClose(this::close);
  }

  @Override
  public boolean tryAdvance(Consumer<? super ExportedObservation> action) {
    ExportedObservation next = next();
    if (next == null) {
      return false;
    }
    action.accept(next);
    return true;
  }

  private @Nullable ExportedObservation next() {
    if (atEnd) {
      return null;
    }
    try {
      AnswerReader reader = in;
      if (reader == null) {
        reader = AnswerReader.open(body);
        in = reader;
        reader.beginArray();
      }
      if (reader.element()) {
        return read(reader);
      }
      reader.end();
      atEnd = true;
      open.remove(this);
      return null;
    } catch (JacksonException e) {
      close();
      throw AnswerReader.garbled(e);
    } catch (ResureException e) {
      close();
      throw e;
    }
  }

  private static ExportedObservation read(AnswerReader in) {
    Long sequence = null;
    Long step = null;
    Long rank = null;
    Long microBatch = null;
    String dialogue = null;
    String source = null;
    Long turn = null;
    Double loss = null;
    Double weight = null;
    boolean unusable = false;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "sequence" -> sequence = in.integer();
        case "step" -> step = in.integerOrNull();
        case "rank" -> rank = in.integer();
        case "microBatch" -> microBatch = in.integer();
        case "dialogue" -> dialogue = in.text();
        case "source" -> source = in.textOrNull();
        case "turn" -> turn = in.integer();
        case "loss" -> loss = in.numberOrNull();
        case "weight" -> weight = in.number();
        case "unusable" -> unusable = in.truth();
        default -> in.skip();
      }
    }
    return new ExportedObservation(
        required(sequence, "sequence"),
        step,
        required(rank, "rank"),
        required(microBatch, "microBatch"),
        required(dialogue, "dialogue"),
        source,
        required(turn, "turn"),
        required(loss, "loss"),
        required(weight, "weight"),
        unusable);
  }

  /** Ends the exchange; for any thread. */
  @Override
  public void close() {
    open.remove(this);
    body.close();
  }
}
