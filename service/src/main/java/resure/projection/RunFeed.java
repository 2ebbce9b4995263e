package resure.projection;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import resure.journal.Head;
import resure.run.RunEvent;
import resure.run.RunEvents;

/**
 * What a run in memory has told and its rows do not say yet: the events from one head to another,
 * without a gap. The thread that applies adds to it, those of {@link ReadModels} take from it; the
 * monitor guards everything. All feeds together keep a bounded number of bytes: beyond, one lets go
 * of everything, to be read from the journal when there is time.
 */
final class RunFeed implements RunEvents {

  /** All of them together have much when they have taken more than so large a part. */
  private static final long MUCH_PART = 2;

  /** All of them together are tight when they have taken more than so large a part. */
  private static final long TIGHT_PART = 4;

  /** What was told from one head to another. */
  record Told(Head start, List<RunEvent> events, Head end, long newestStep) {

    /** Those that came with entries after a sequence. */
    List<RunEvent> after(long sequence) {
      int first = 0;
      while (first < events.size() && events.get(first).sequence() <= sequence) {
        first++;
      }
      return events.subList(first, events.size());
    }
  }

  /** Bytes that all feeds keep, and may keep. */
  record Budget(AtomicLong used, long most) {

    /** Takes some, if there are so many left. */
    boolean take(long bytes) {
      if (used.addAndGet(bytes) <= most) {
        return true;
      }
      used.addAndGet(-bytes);
      return false;
    }

    /** Whether some should be written, whoever has it. */
    boolean isMuch() {
      return used.get() > most / MUCH_PART;
    }

    /** Whether more comes than is written at once. */
    boolean isTight() {
      return used.get() > most / TIGHT_PART;
    }

    void giveBack(long bytes) {
      used.addAndGet(-bytes);
    }
  }

  /** What should be done with it; called by the thread that applies. */
  interface Wishes {

    /** Of one that is taken from whether it asks or not. */
    Wishes NONE =
        new Wishes() {
          @Override
          public void writeSoon() {}

          @Override
          public void makeRoom() {}

          @Override
          public void ended() {}
        };

    /** There is something to be written, some time. */
    void writeSoon();

    /** All feeds together have so much that some of it should be written now. */
    void makeRoom();

    /** There will be no more. */
    void ended();
  }

  private final Budget budget;
  private final Wishes wishes;
  private List<RunEvent> events = new ArrayList<>();
  private long bytes;
  private Head start;
  private Head end;
  private long newestStep;

  /** How many of the events came up to {@code end}, and their bytes. */
  private int whole;

  private long wholeBytes;

  /** Whether events after {@code end} were let go of. */
  private boolean gap;

  /** When the first of what may be taken came, as {@link System#nanoTime} says. */
  private long since;

  /** Whether nothing is kept for the time being. */
  private boolean resting;

  /** Whether some of what comes with the next head was passed over. */
  private boolean passedOver;

  /** Whether nothing is kept any more. */
  private boolean closed;

  /** Begins at {@code head}. */
  RunFeed(Head head, long newestStep, Budget budget, Wishes wishes) {
    this.budget = budget;
    this.wishes = wishes;
    this.newestStep = newestStep;
    start = head;
    end = head;
  }

  @Override
  public synchronized void happened(RunEvent event) {
    passedOver |= resting;
    if (gap || resting || closed) {
      return;
    }
    long more = event.bytes();
    if (budget.take(more)) {
      events.add(event);
      bytes += more;
    } else {
      letGo();
      gap = true;
    }
  }

  @Override
  public synchronized void reached(Head head, long newest) {
    newestStep = newest;
    end = head;
    passedOver = false;
    if (gap || resting) {
      gap = false;
      start = head;
    }
    boolean first = whole == 0 && !events.isEmpty();
    whole = events.size();
    wholeBytes = bytes;
    if (first) {
      since = System.nanoTime();
      wishes.writeSoon();
    }
    if (budget.isMuch()) {
      wishes.makeRoom();
    }
  }

  @Override
  public void ended() {
    wishes.ended();
  }

  /** Up to where has been told. */
  synchronized Head end() {
    return end;
  }

  /** Bytes of what may be taken. */
  synchronized long bytes() {
    return wholeBytes;
  }

  /** How long the first of what may be taken has waited; negative where there is nothing. */
  synchronized long waitedNanos() {
    return whole == 0 ? -1 : Math.max(0, System.nanoTime() - since);
  }

  /** Takes what is whole. */
  synchronized Told take() {
    List<RunEvent> taken = events.subList(0, whole);
    Told told = new Told(start, List.copyOf(taken), end, newestStep);
    taken.clear();
    budget.giveBack(wholeBytes);
    bytes -= wholeBytes;
    wholeBytes = 0;
    if (events.isEmpty()) {
      // An idle run keeps nothing.
      events = new ArrayList<>();
    }
    whole = 0;
    start = end;
    return told;
  }

  /** Lets go of everything, and keeps nothing until it {@linkplain #resume is to}. */
  synchronized void rest() {
    // Of the entry whose events are just coming, too.
    passedOver |= gap || events.size() > whole;
    letGo();
    resting = true;
  }

  /** Keeps what comes from now on. */
  synchronized void resume() {
    resting = false;
    gap = passedOver;
  }

  /** What comes now, if anything, is not kept. */
  synchronized void close() {
    letGo();
    closed = true;
  }

  /** Lets go of everything, which the journal will tell again. */
  private void letGo() {
    budget.giveBack(bytes);
    bytes = 0;
    wholeBytes = 0;
    events = new ArrayList<>();
    whole = 0;
    start = end;
  }
}
