package resure.replay;

import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;

/**
 * Gives the calling thread the processor only when nobody else wants it. Java's own priorities are
 * ignored by a JVM without privileges on Linux; there a thread's scheduling policy is its own, and
 * becoming idle needs none. (A nice value of 19 would still keep a thread that wakes up waiting for
 * the rest of a time slice, milliseconds.) Elsewhere nothing happens.
 */
final class LowestPriority {

  private static final System.Logger LOG = System.getLogger(LowestPriority.class.getName());

  private static final int CALLING_THREAD = 0;
  private static final int SCHED_IDLE = 5;

  private LowestPriority() {}

  /** Makes daemon threads that have it. */
  static ThreadFactory threads(String prefix) {
    ThreadFactory plain = Thread.ofPlatform().name(prefix, 0).daemon().factory();
    return task ->
        plain.newThread(
            () -> {
              take();
              task.run();
            });
  }

  /** Takes effect for the calling platform thread, until it ends. */
  @SuppressWarnings("restricted") // Allowed by the manifest, for the store already.
  static void take() {
    if (!System.getProperty("os.name", "").equals("Linux")) {
      return;
    }
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> function = linker.defaultLookup().find("sched_setscheduler");
    if (function.isEmpty()) {
      return;
    }
    MethodHandle setscheduler =
        linker.downcallHandle(
            function.get(),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS));
    int failed;
    try (Arena arena = Arena.ofConfined()) {
      // Of the policy's parameters there is one, a priority, which must be 0.
      MemorySegment priority = arena.allocate(ValueLayout.JAVA_INT);
      failed = (int) setscheduler.invokeExact(CALLING_THREAD, SCHED_IDLE, priority);
    } catch (Throwable e) {
      throw new IllegalStateException("a downcall failed", e);
    }
    if (failed != 0) {
      LOG.log(Level.WARNING, "replays compete with live scoring: their priority stays as it is");
    }
  }
}
