package resure.projection;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.run.RunEvent;

class RunFeedTest {

  private final AtomicLong used = new AtomicLong();
  private final RunFeed feed =
      new RunFeed(head(1), -1, new RunFeed.Budget(used, 1 << 20), RunFeed.Wishes.NONE);

  private static Head head(long sequence) {
    return new Head(sequence, 7 * sequence);
  }

  private static RunEvent event(long sequence) {
    return new RunEvent.Other(sequence, new JournalEntry.Finished(Instant.EPOCH, null));
  }

  private void entry(long sequence) {
    feed.happened(event(sequence));
    feed.reached(head(sequence), sequence);
  }

  @Test
  void whatIsTakenGoesOnWhereTheLastEnded() {
    entry(2);
    entry(3);
    assertThat(feed.take())
        .satisfies(
            told -> {
              assertThat(told.start()).isEqualTo(head(1));
              assertThat(told.end()).isEqualTo(head(3));
              assertThat(told.events()).hasSize(2);
            });
    entry(4);
    assertThat(feed.take().start()).isEqualTo(head(3));
    assertThat(used).hasValue(0);
  }

  @Test
  void oneThatRestsKeepsNothingAndKnowsWhereItIs() {
    entry(2);
    feed.rest();
    assertThat(used).hasValue(0);
    entry(3);
    assertThat(used).hasValue(0);
    assertThat(feed.end()).isEqualTo(head(3));
    feed.resume();
    entry(4);
    assertThat(feed.take())
        .satisfies(
            told -> {
              assertThat(told.start()).isEqualTo(head(3));
              assertThat(told.end()).isEqualTo(head(4));
              assertThat(told.events()).hasSize(1);
            });
  }

  @Test
  void anEntryOfWhichSomeWasPassedOverIsLeftOutWhole() {
    feed.rest();
    feed.happened(event(2));
    feed.resume();
    feed.happened(event(2));
    feed.reached(head(2), 2);
    entry(3);
    RunFeed.Told told = feed.take();
    assertThat(told.start()).isEqualTo(head(2));
    assertThat(told.events()).hasSize(1);
  }

  @Test
  void oneThatGoesToRestWithinAnEntryLeavesThatOut() {
    feed.happened(event(2));
    feed.rest();
    feed.resume();
    feed.reached(head(2), 2);
    entry(3);
    RunFeed.Told told = feed.take();
    assertThat(told.start()).isEqualTo(head(2));
    assertThat(told.events()).hasSize(1);
  }

  @Test
  void onlyWhatIsWholeIsCountedAsWaiting() {
    entry(2);
    long waiting = feed.bytes();
    assertThat(waiting).isPositive().isEqualTo(used.get());
    feed.happened(event(3));
    assertThat(feed.bytes()).isEqualTo(waiting);
    assertThat(feed.take().events()).hasSize(1);
    assertThat(feed.bytes()).isZero();
    assertThat(used).hasPositiveValue();
  }

  @Test
  void howLongItWaitsIsThatOfTheFirstOfWhatWasNotTaken() {
    assertThat(feed.waitedNanos()).isNegative();
    entry(2);
    long sinceFirst = System.nanoTime();
    entry(3);
    // No less than since the first had come.
    long atLeast = System.nanoTime() - sinceFirst;
    assertThat(feed.waitedNanos()).isGreaterThanOrEqualTo(atLeast);
    var _ = feed.take();
    assertThat(feed.waitedNanos()).isNegative();
  }

  @Test
  void roomIsAskedForWhenAllFeedsTogetherHaveTakenHalf() {
    List<String> wishes = new ArrayList<>();
    RunFeed.Wishes noted =
        new RunFeed.Wishes() {
          @Override
          public void writeSoon() {
            wishes.add("soon");
          }

          @Override
          public void makeRoom() {
            wishes.add("room");
          }

          @Override
          public void ended() {}
        };
    RunFeed asking = new RunFeed(head(1), -1, new RunFeed.Budget(used, 1000), noted);
    asking.happened(event(2));
    asking.reached(head(2), 2);
    assertThat(wishes).containsExactly("soon");
    // Of others.
    used.addAndGet(500);
    asking.happened(event(3));
    asking.reached(head(3), 3);
    assertThat(wishes).containsExactly("soon", "room");
  }

  @Test
  void whereThereIsNoRoomAllIsLetGoOfUpToTheNextHead() {
    RunFeed small = new RunFeed(head(1), -1, new RunFeed.Budget(used, 1), RunFeed.Wishes.NONE);
    small.happened(event(2));
    small.reached(head(2), 2);
    assertThat(small.take())
        .satisfies(
            told -> {
              assertThat(told.start()).isEqualTo(head(2));
              assertThat(told.events()).isEmpty();
            });
    assertThat(used).hasValue(0);
  }
}
