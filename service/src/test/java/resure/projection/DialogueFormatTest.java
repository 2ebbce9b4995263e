package resure.projection;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import resure.journal.CorruptJournalException;
import resure.journal.JournalException;
import resure.projection.DialogueFormat.Reader;
import resure.projection.DialogueFormat.Segment;
import resure.projection.DialogueFormat.SegmentWriter;

/** What is written of a dialogue is what is read of it, in whichever form. */
class DialogueFormatTest {

  private static final int LARGEST_EXCESS = 3 << 13;

  private final long seed = System.nanoTime();
  private final Random random = new Random(seed);

  @Test
  void sumsAreReadAsTheyWereWritten() throws JournalException {
    for (int tries = 0; tries < 3000; tries++) {
      DialogueSums written = sums();
      DialogueSums read = read(bytes(written));
      assertThat(contents(read)).as("seed %d", seed).isEqualTo(contents(written));
    }
  }

  @Test
  void damageIsFound() throws JournalException {
    byte[] block = bytes(sums());
    for (int length = 1; length < block.length; length++) {
      byte[] cut = Arrays.copyOf(block, length);
      if (length > 1) {
        assertThatThrownBy(() -> read(cut)).isInstanceOf(CorruptJournalException.class);
      }
    }
  }

  /** Of up to 70 observations a slot, all as extreme as they may be, or none. */
  private DialogueSums sums() {
    DialogueSums sums = new DialogueSums();
    sums.id = ("dialogue " + random.nextInt(100)).getBytes(UTF_8);
    sums.source = random.nextBoolean() ? null : "source".getBytes(UTF_8);
    sums.visits = 1 + random.nextInt(70);
    sums.lastSequence = random.nextLong(1L << 40);
    sums.lastStep = random.nextInt(100) - 1;
    boolean gaps = random.nextBoolean();
    boolean unusable = random.nextInt(4) == 0;
    int most = random.nextBoolean() ? 63 : 70;
    for (int slot = random.nextInt(3), end = slot + 1 + random.nextInt(8); slot < end; slot++) {
      if (gaps && random.nextInt(3) == 0) {
        continue;
      }
      sums.reach(slot);
      int count = 1 + random.nextInt(most);
      sums.usable[slot] = count;
      sums.unusable[slot] = unusable ? random.nextInt(3) : 0;
      sums.loss[slot] = count * (random.nextBoolean() ? 1L << 33 : -(1L << 33));
      sums.weight[slot] = (long) count << 13;
      for (int rated = random.nextInt(count + 1); rated > 0; rated--) {
        sums.rate(slot, random.nextBoolean() ? LARGEST_EXCESS : -LARGEST_EXCESS);
      }
    }
    return sums;
  }

  private static byte[] bytes(DialogueSums sums) throws JournalException {
    List<byte[]> blocks = new ArrayList<>();
    SegmentWriter writer = new SegmentWriter((block, content) -> blocks.add(content));
    writer.add(DialogueFormat.hash(sums.id, 0, sums.id.length), sums);
    assertThat(writer.end(0, 1)).isEqualTo(new Segment(0, 1, 1, 1));
    return blocks.getFirst();
  }

  private static DialogueSums read(byte[] block) throws JournalException {
    Reader reader = new Reader(new Segment(0, 1, 1, 1), (segment, number) -> block);
    assertThat(reader.next()).isTrue();
    DialogueSums sums = new DialogueSums();
    reader.addTo(sums);
    assertThat(reader.next()).isFalse();
    return sums;
  }

  private static List<Object> contents(DialogueSums sums) {
    List<Object> all = new ArrayList<>();
    all.add(new String(sums.id, UTF_8));
    all.add(sums.source == null ? "none" : new String(sums.source, UTF_8));
    all.addAll(List.of(sums.visits, sums.lastSequence, sums.lastStep));
    for (int slot = 0; slot < sums.slots; slot++) {
      if (sums.usable[slot] + sums.unusable[slot] > 0) {
        all.addAll(
            List.of(
                slot,
                sums.usable[slot],
                sums.unusable[slot],
                sums.rated[slot],
                sums.loss[slot],
                sums.weight[slot],
                sums.excess[slot],
                sums.beyond[slot]));
      }
    }
    return all;
  }
}
