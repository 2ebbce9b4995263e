package resure.replay;

import java.lang.System.Logger.Level;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;

/**
 * Gives the calling thread the processor only when nobody else wants it. Java's own priorities are
 * ignored by a JVM without privileges on Linux; there a thread's nice value is its own, and raising
 * it needs none. Elsewhere nothing happens.
 */
final class LowestPriority {

  private static final System.Logger LOG = System.getLogger(LowestPriority.class.getName());

  private static final int PRIO_PROCESS = 0;
  private static final int CALLING_THREAD = 0;
  private static final int NICEST = 19;

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
    Optional<MemorySegment> function = linker.defaultLookup().find("setpriority");
    if (function.isEmpty()) {
      return;
    }
    MethodHandle setpriority =
        linker.downcallHandle(
            function.get(),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT));
    int failed;
    try {
      failed = (int) setpriority.invokeExact(PRIO_PROCESS, CALLING_THREAD, NICEST);
    } catch (Throwable e) {
      throw new IllegalStateException("a downcall failed", e);
    }
    if (failed != 0) {
      LOG.log(Level.WARNING, "replays compete with live scoring: their priority stays as it is");
    }
  }
}
