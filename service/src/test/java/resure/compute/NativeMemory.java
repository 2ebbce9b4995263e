package resure.compute;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * What native code of this process holds: the C library's own count, untouched by the Java heap.
 */
final class NativeMemory {

  /** Fields of glibc's {@code struct mallinfo2}, each a size. */
  private static final int FIELDS = 10;

  private static final int MAPPED = 4;
  private static final int IN_USE = 7;

  private NativeMemory() {}

  /** Bytes allocated and not freed. Skips the test where the C library does not count them. */
  @SuppressWarnings("restricted")
  static long bytes() {
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> mallinfo = linker.defaultLookup().find("mallinfo2");
    assumeThat(mallinfo).as("glibc 2.33 or newer, which counts native memory").isPresent();
    MemoryLayout layout =
        MemoryLayout.structLayout(MemoryLayout.sequenceLayout(FIELDS, ValueLayout.JAVA_LONG));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment info =
          (MemorySegment)
              linker
                  .downcallHandle(mallinfo.orElseThrow(), FunctionDescriptor.of(layout))
                  .invokeExact((SegmentAllocator) arena);
      return info.getAtIndex(ValueLayout.JAVA_LONG, MAPPED)
          + info.getAtIndex(ValueLayout.JAVA_LONG, IN_USE);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
