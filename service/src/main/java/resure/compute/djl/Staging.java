package resure.compute.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Columns of a group on their way to the device: written on the host one after the other, sent in
 * two transfers (numbers and indices), and handed out as views. Used again for the next group, so
 * that nothing is allocated once it has seen the largest. Owner thread only.
 */
final class Staging {

  /** Numbers written so far; replaced when it grows, so not to be kept over a reservation. */
  double[] numbers = new double[4096];

  /** Indices written so far; the same. */
  long[] indices = new long[4096];

  private int numberCount;
  private int indexCount;
  private ByteBuffer numberBytes = ByteBuffer.allocateDirect(0);
  private ByteBuffer indexBytes = ByteBuffer.allocateDirect(0);
  private @Nullable NDArray sentNumbers;
  private @Nullable NDArray sentIndices;

  /** Where a column starts, and how long it is. */
  record Column(int from, int length) {
    int at(int i) {
      return from + i;
    }
  }

  /** Forgets what was there. */
  void begin() {
    numberCount = 0;
    indexCount = 0;
    sentNumbers = null;
    sentIndices = null;
  }

  /** Room for a column of numbers; its content is not defined. */
  Column numbers(int length) {
    Column column = new Column(numberCount, length);
    numberCount += length;
    if (numberCount > numbers.length) {
      numbers = Arrays.copyOf(numbers, Math.max(numberCount, 2 * numbers.length));
    }
    return column;
  }

  /** Room for a column of indices; its content is not defined. */
  Column indices(int length) {
    Column column = new Column(indexCount, length);
    indexCount += length;
    if (indexCount > indices.length) {
      indices = Arrays.copyOf(indices, Math.max(indexCount, 2 * indices.length));
    }
    return column;
  }

  /** Sends everything; the arrays belong to {@code owner}, and last until the next group. */
  void send(NDManager owner) {
    numberBytes = atLeast(numberBytes, numberCount);
    numberBytes.asDoubleBuffer().put(numbers, 0, numberCount);
    sentNumbers = create(owner, numberBytes, numberCount, DataType.FLOAT64);
    indexBytes = atLeast(indexBytes, indexCount);
    indexBytes.asLongBuffer().put(indices, 0, indexCount);
    sentIndices = create(owner, indexBytes, indexCount, DataType.INT64);
  }

  private static ByteBuffer atLeast(ByteBuffer buffer, int elements) {
    int bytes = Math.multiplyExact(elements, Long.BYTES);
    return buffer.capacity() >= bytes
        ? buffer
        : ByteBuffer.allocateDirect(
                Math.max(bytes, (int) Math.min(1 << 30, 2L * buffer.capacity())))
            .order(ByteOrder.nativeOrder());
  }

  private static @Nullable NDArray create(
      NDManager owner, ByteBuffer bytes, int elements, DataType type) {
    if (elements == 0) {
      return null;
    }
    ByteBuffer used = bytes.slice(0, elements * Long.BYTES).order(ByteOrder.nativeOrder());
    return owner.create(used, new Shape(elements), type);
  }

  /** A column of numbers on the device. */
  NDArray numbers(NDManager owner, Column column) {
    return view(owner, sentNumbers, column);
  }

  /** A column of indices on the device. */
  NDArray indices(NDManager owner, Column column) {
    return view(owner, sentIndices, column);
  }

  private static NDArray view(NDManager owner, @Nullable NDArray sent, Column column) {
    if (sent == null) {
      throw new IllegalStateException("nothing was sent");
    }
    return slice(owner, sent, column.from, column.from + column.length);
  }

  /** A view of {@code from} to {@code to - 1}. */
  static NDArray slice(NDManager owner, NDArray array, int from, int to) {
    return array.get(owner, new NDIndex().addSliceDim(from, to));
  }
}
