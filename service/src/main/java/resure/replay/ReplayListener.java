package resure.replay;

/** Is told what replays do; any thread, must not block. */
public interface ReplayListener {

  /** So many losses were weighed, each under one configuration. */
  void weighed(long count);
}
