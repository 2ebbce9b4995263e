package resure.compute.djl;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import resure.compute.BackendUnavailableException;
import resure.compute.Compute;
import resure.compute.DeviceException;
import resure.compute.Folding;
import resure.compute.Sweep;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;

/** PyTorch, through DJL, on one device: makes the computes of all shards. Any thread. */
public final class DjlBackend {

  private static final String ENGINE = "PyTorch";
  private static final String LIBRARY_PATH = "PYTORCH_LIBRARY_PATH";

  private static final String THREADS = "ai.djl.pytorch.num_threads";

  /** What the JNI library for GPUs was built for. */
  private static final String CUDA = "cu128";

  private static final String FLAVOR = "PYTORCH_FLAVOR";

  /** Of NVIDIA's driver, on Linux and in its subsystem on Windows. */
  private static final List<Path> DRIVERS = List.of(Path.of("/dev/nvidiactl"), Path.of("/dev/dxg"));

  private final Engine engine;
  private final Device device;

  private DjlBackend(Engine engine, Device device) {
    this.engine = engine;
    this.device = device;
  }

  /** Whether this machine seems to have an accelerator; loads nothing. */
  public static boolean acceleratorPresent() {
    return DRIVERS.stream().anyMatch(Files::exists);
  }

  /**
   * Loads libtorch, once for the process, and tries the device.
   *
   * @param device {@code auto} (the first GPU that libtorch can use, else the processor), {@code
   *     cpu}, or {@code gpu:0} and so on
   * @param libtorch folder with libtorch's libraries; null to look for it in {@code
   *     PYTORCH_LIBRARY_PATH} and then on the class path
   * @throws BackendUnavailableException with what is missing, and where it was sought
   */
  public static DjlBackend open(String device, @Nullable Path libtorch)
      throws BackendUnavailableException {
    // What is not here already is never fetched.
    System.setProperty("ai.djl.offline", "true");
    // Shards are what uses several processors. Threads of one operation wait for each other by
    // spinning, which on a busy machine costs more than they gain.
    System.setProperty(THREADS, System.getProperty(THREADS, "1"));
    if (libtorch != null) {
      if (!Files.isDirectory(libtorch)) {
        throw new BackendUnavailableException("there is no folder " + libtorch, null);
      }
      System.setProperty(LIBRARY_PATH, libtorch.toAbsolutePath().toString());
    }
    nameFlavor(libtorch);
    Engine engine;
    try {
      engine = Engine.getEngine(ENGINE);
    } catch (EngineException | LinkageError | IllegalArgumentException e) {
      throw new BackendUnavailableException(
          "libtorch could not be loaded ("
              + innermost(e)
              + "); it was sought in resure.compute.libtorch ("
              + (libtorch == null ? "not set" : libtorch)
              + "), in PYTORCH_LIBRARY_PATH ("
              + System.getenv().getOrDefault(LIBRARY_PATH, "not set")
              + "), and as pytorch-native-* on the class path",
          e);
    }
    Device chosen = choose(engine, device);
    DjlBackend backend = new DjlBackend(engine, chosen);
    try {
      backend.compute().close();
    } catch (DeviceException e) {
      throw new BackendUnavailableException(
          "the device " + backend.device() + " does not work: " + innermost(e), e);
    }
    return backend;
  }

  /**
   * Says which of the JNI libraries fits a libtorch in a folder: DJL would guess one for libtorch's
   * old ABI, which there is none of for this version. The environment takes precedence, as in DJL.
   */
  private static void nameFlavor(@Nullable Path libtorch) {
    String folders = System.getenv(LIBRARY_PATH);
    if (folders == null) {
      folders = libtorch == null ? System.getProperty(LIBRARY_PATH) : libtorch.toString();
    }
    if (folders != null && System.getProperty(FLAVOR) == null) {
      String cuda = System.mapLibraryName("torch_cuda");
      boolean forCuda =
          Stream.of(folders.split(Pattern.quote(File.pathSeparator), -1))
              .anyMatch(folder -> Files.exists(Path.of(folder, cuda)));
      System.setProperty(FLAVOR, forCuda ? CUDA : "cpu");
    }
  }

  private static Device choose(Engine engine, String device) throws BackendUnavailableException {
    if (device.equals("cpu")) {
      return Device.cpu();
    }
    int gpus = engine.getGpuCount();
    if (device.equals("auto")) {
      return gpus > 0 ? Device.gpu(0) : Device.cpu();
    }
    int wanted = Integer.parseInt(device.substring("gpu:".length()));
    if (wanted >= gpus) {
      throw new BackendUnavailableException(
          "there is no "
              + device
              + ": libtorch "
              + engine.getVersion()
              + " finds "
              + gpus
              + " GPUs (it needs NVIDIA's driver, and a libtorch built for CUDA)",
          null);
    }
    return Device.gpu(wanted);
  }

  private static String innermost(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return String.valueOf(cause.getMessage()).lines().findFirst().orElse("no message");
  }

  /**
   * A new compute, for one shard, that has done a small fold on the device.
   *
   * @throws DeviceException when the device cannot do it
   */
  public Compute compute() {
    NDManager manager = engine.newBaseManager(device);
    try {
      DjlCompute compute = new DjlCompute(manager);
      MomentsTable triples = new MomentsTable();
      triples.set(0, new Moments(2, 1, 2, 2));
      var base = compute.load(Configuration.DEFAULT, triples);
      compute.fold(List.of(new Folding(base, List.of()))).forEach(compute::release);
      compute.release(base);
      return compute;
    } catch (EngineException | IllegalStateException e) {
      manager.close();
      throw new DeviceException("PyTorch cannot use " + device(), e);
    } catch (DeviceException e) {
      manager.close();
      throw e;
    }
  }

  /**
   * A new sweep, for one thread of a replay.
   *
   * @throws DeviceException when the device cannot be used
   */
  public Sweep sweep() {
    NDManager manager = engine.newBaseManager(device);
    try {
      return new DjlSweep(manager);
    } catch (EngineException | IllegalStateException e) {
      manager.close();
      throw new DeviceException("PyTorch cannot use " + device(), e);
    }
  }

  /** The device: cpu, or gpu:0 and so on. */
  public String device() {
    return device.isGpu() ? "gpu:" + device.getDeviceId() : "cpu";
  }

  /** What does the arithmetic. */
  public String library() {
    return ENGINE + " " + engine.getVersion();
  }
}
