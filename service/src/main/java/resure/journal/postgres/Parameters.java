package resure.journal.postgres;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;
import resure.journal.Incarnation;
import resure.journal.RunKey;
import resure.observation.RunId;

/**
 * Sets the parameters of a statement one after the other. Arrays of primitives and of bytes are
 * what the driver sends in binary.
 */
final class Parameters {

  private final PreparedStatement statement;
  private int last;

  Parameters(PreparedStatement statement) {
    this.statement = statement;
  }

  /** The run's row of {@code heads}: tenant, name, incarnation. */
  Parameters run(RunKey run) throws SQLException {
    return id(run.id()).incarnation(run);
  }

  Parameters id(RunId id) throws SQLException {
    return text(id.tenant()).text(id.name());
  }

  Parameters incarnation(RunKey run) throws SQLException {
    statement.setObject(++last, uuid(run.incarnation()));
    return this;
  }

  Parameters text(String ascii) throws SQLException {
    return bytes(ascii.getBytes(US_ASCII));
  }

  Parameters bytes(byte[] value) throws SQLException {
    statement.setBytes(++last, value);
    return this;
  }

  Parameters number(long value) throws SQLException {
    statement.setLong(++last, value);
    return this;
  }

  Parameters number(int value) throws SQLException {
    statement.setInt(++last, value);
    return this;
  }

  <T> void ints(List<T> from, ToIntFunction<T> value) throws SQLException {
    statement.setObject(++last, from.stream().mapToInt(value).toArray());
  }

  <T> void longs(List<T> from, ToLongFunction<T> value) throws SQLException {
    statement.setObject(++last, from.stream().mapToLong(value).toArray());
  }

  <T> void bytes(List<T> from, Function<T, byte[]> value) throws SQLException {
    statement.setObject(++last, from.stream().map(value).toArray(byte[][]::new));
  }

  <T> void texts(List<T> from, Function<T, String> ascii) throws SQLException {
    bytes(from, each -> ascii.apply(each).getBytes(US_ASCII));
  }

  <T> void incarnations(List<T> from, Function<T, RunKey> run) throws SQLException {
    statement.setObject(
        ++last,
        from.stream()
            .map(each -> uuid(run.apply(each).incarnation()).toString())
            .toArray(String[]::new));
  }

  static UUID uuid(Incarnation incarnation) {
    return new UUID(incarnation.high(), incarnation.low());
  }

  static Incarnation incarnation(UUID uuid) {
    return new Incarnation(uuid.getMostSignificantBits(), uuid.getLeastSignificantBits());
  }
}
