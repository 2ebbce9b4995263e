package resure.projection;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.CorruptJournalException;
import resure.journal.JournalException;
import resure.observation.ObservationBatch;
import resure.run.RunEvent;
import resure.weighting.Weigher;

/**
 * The bytes of the rows of dialogues; the one class that knows them. Big-endian; {@code v} is a
 * variable-length number, 7 bits a byte, the lowest first; {@code s} the same of a signed one,
 * zigzag.
 *
 * <pre>
 * key 0                           the list of segments
 *   u8 version | v count, (u8 level, i64 id, v blocks, v dialogues) segments
 * key 1, i64 segment, i32 block   a block of a segment
 *   u8 version | records, to the end, in the order of their places
 * record
 *   i32 length of the rest | i64 hash | v length, id | v length + 1, source (0 for none)
 *   v visits | v last sequence | v last step + 1
 *   v 8 * slots with anything + form | of each, ascending, v slot - last slot - 1 (where they
 *   follow each other of the first only), then
 *     single: i48 loss, weight, excess: 18, 14 and 16 bits, the least excess if it is not rated
 *     few:    i64 usable, rated, loss: 6, 6 and 52 bits
 *             i64 weight, beyond, excess: 20, 21 and 23 bits
 *     sums:   v usable | v unusable | v rated | s loss | v weight | s excess | v beyond
 * form
 *   0 sums, 1 single, 2 few | + 4 if the slots follow each other
 * </pre>
 *
 * <p>A visit is single if it has one observation of each slot, which is usable and has a loss that
 * fits; sums are few if all of {@value #MOST_FEW} observations at most, which are usable. Nearly
 * all are one or the other, and most of the work is with those.
 *
 * <p>A dialogue has its place by the hash of its id, then by the id.
 */
final class DialogueFormat {

  private static final byte VERSION = 3;
  private static final byte LIST = 0;
  private static final byte BLOCK = 1;

  /** Bytes of a block at which the next one is begun. */
  private static final int BLOCK_BYTES = 32 << 10;

  private static final int FORM_BITS = 3;
  private static final int SUMS = 0;
  private static final int SINGLE = 1;
  private static final int FEW = 2;
  private static final int FOLLOWING = 4;

  /** Of a single observation's weight and excess, which come after its loss. */
  private static final int SINGLE_BITS = 30;

  private static final int EXCESS_BITS = 16;
  private static final long LARGEST_SINGLE_LOSS = (1 << 18) - 1;

  /** In place of an excess. */
  private static final short NOT_RATED = Short.MIN_VALUE;

  /** Observations of a slot whose sums fit into few bits. */
  private static final int MOST_FEW = 63;

  private static final int FEW_COUNT_BITS = 6;
  private static final int FEW_LOSS_BITS = 52;
  private static final int FEW_BEYOND_BITS = 21;
  private static final int FEW_EXCESS_BITS = 23;

  private DialogueFormat() {}

  /**
   * A list of dialogues, each of them once, in order of their places, that is never changed.
   *
   * @param level how often what is in it has been merged
   * @param id tells it from others
   */
  record Segment(int level, long id, int blocks, long dialogues) {}

  static byte[] listKey() {
    return new byte[] {LIST};
  }

  static byte[] blockKey(long segment, int block) {
    return ByteBuffer.allocate(1 + Long.BYTES + Integer.BYTES)
        .put(BLOCK)
        .putLong(segment)
        .putInt(block)
        .array();
  }

  static byte[] list(List<Segment> segments) {
    RowOutput out = new RowOutput(1024);
    out.put(VERSION);
    out.number(segments.size());
    for (Segment segment : segments) {
      out.put((byte) segment.level);
      out.whole(segment.id);
      out.number(segment.blocks);
      out.number(segment.dialogues);
    }
    return out.written();
  }

  static List<Segment> list(byte @Nullable [] content) throws CorruptJournalException {
    List<Segment> segments = new ArrayList<>();
    if (content == null) {
      return segments;
    }
    try {
      RowInput in = versioned(content);
      for (long left = in.number(); left > 0; left--) {
        segments.add(new Segment(in.take(), in.whole(), Math.toIntExact(in.number()), in.number()));
      }
      return segments;
    } catch (IndexOutOfBoundsException | ArithmeticException e) {
      throw damaged(e);
    }
  }

  private static RowInput versioned(byte[] content) throws CorruptJournalException {
    RowInput in = new RowInput(content);
    byte version = in.take();
    if (version != VERSION) {
      throw new CorruptJournalException("rows of dialogues of unknown version " + version);
    }
    return in;
  }

  private static CorruptJournalException damaged(RuntimeException e) {
    return new CorruptJournalException("rows of dialogues are damaged", e);
  }

  /** Where a dialogue has its place, but for its id. */
  static long hash(byte[] id, int from, int to) {
    long hash = 0xCBF29CE484222325L;
    for (int i = from; i < to; i++) {
      hash = (hash ^ id[i]) * 0x100000001B3L;
    }
    // The low bits are good by now; these spread them.
    hash = (hash ^ hash >>> 33) * 0xFF51AFD7ED558CCDL;
    hash = (hash ^ hash >>> 33) * 0xC4CEB9FE1A85EC53L;
    return hash ^ hash >>> 33;
  }

  /** Takes the blocks of a segment as they are complete. */
  @FunctionalInterface
  interface Blocks {
    void put(int block, byte[] content) throws JournalException;
  }

  /** Writes the records of one segment, which come in the order of their places. */
  static final class SegmentWriter {
    private final Blocks blocks;
    private final RowOutput block = new RowOutput(BLOCK_BYTES + (BLOCK_BYTES >> 2));
    private int complete;
    private long dialogues;

    SegmentWriter(Blocks blocks) {
      this.blocks = blocks;
      block.put(VERSION);
    }

    void add(long hash, DialogueSums sums) throws JournalException {
      DialogueFormat.add(hash, sums, block);
      added();
    }

    /** A record as it stands elsewhere. */
    void add(DialogueRecord record) throws JournalException {
      block.put(record.in.bytes, record.start, record.end - record.start);
      added();
    }

    private void added() throws JournalException {
      dialogues++;
      if (block.length >= BLOCK_BYTES) {
        flush();
      }
    }

    private void flush() throws JournalException {
      blocks.put(complete++, block.written());
      block.length = 1;
    }

    /** What was written. */
    Segment end(int level, long id) throws JournalException {
      if (block.length > 1) {
        flush();
      }
      return new Segment(level, id, complete, dialogues);
    }
  }

  private static void add(long hash, DialogueSums sums, RowOutput out) {
    int start = out.leave();
    begin(out, hash, sums.id, 0, sums.id.length, sums.source);
    out.number(sums.visits);
    out.number(sums.lastSequence);
    out.number(sums.lastStep + 1);
    int count = 0;
    int last = -1;
    boolean few = true;
    boolean following = true;
    for (int slot = 0; slot < sums.slots; slot++) {
      if (sums.usable[slot] + sums.unusable[slot] > 0) {
        following &= count++ == 0 || slot == last + 1;
        few &= sums.usable[slot] <= MOST_FEW && sums.unusable[slot] == 0;
        last = slot;
      }
    }
    out.number(header(count, few ? FEW : SUMS, following));
    last = -1;
    for (int slot = 0; slot < sums.slots; slot++) {
      if (sums.usable[slot] + sums.unusable[slot] > 0) {
        if (last < 0 || !following) {
          out.number(slot - last - 1L);
        }
        last = slot;
        if (few) {
          out.whole(
              (sums.usable[slot] << FEW_COUNT_BITS | sums.rated[slot]) << FEW_LOSS_BITS
                  | low(sums.loss[slot], FEW_LOSS_BITS));
          out.whole(
              (sums.weight[slot] << FEW_BEYOND_BITS | sums.beyond[slot]) << FEW_EXCESS_BITS
                  | low(sums.excess[slot], FEW_EXCESS_BITS));
        } else {
          out.number(sums.usable[slot]);
          out.number(sums.unusable[slot]);
          out.number(sums.rated[slot]);
          out.signed(sums.loss[slot]);
          out.number(sums.weight[slot]);
          out.signed(sums.excess[slot]);
          out.number(sums.beyond[slot]);
        }
      }
    }
    out.fill(start);
  }

  private static long header(int slots, int form, boolean following) {
    return (long) slots << FORM_BITS | form | (following ? FOLLOWING : 0);
  }

  private static long low(long value, int bits) {
    return value & (1L << bits) - 1;
  }

  private static void begin(
      RowOutput out, long hash, byte[] ids, int from, int to, byte @Nullable [] source) {
    out.whole(hash);
    out.number(to - from);
    out.put(ids, from, to - from);
    if (source == null) {
      out.number(0);
    } else {
      out.number(source.length + 1L);
      out.put(source, 0, source.length);
    }
  }

  /** About how many bytes the records of a batch take. */
  static long bytes(ObservationBatch batch) {
    return batch.ids().length + 48L * batch.dialogues() + 7L * batch.size();
  }

  /** Records of single visits, in any order. */
  static final class Visits {
    private final RowOutput out;
    private final DialogueSums scratch = new DialogueSums();
    private int[] starts = new int[256];
    private long[] hashes = new long[256];
    private int count;

    /** With room for some bytes of records. */
    Visits(int capacity) {
      out = new RowOutput(capacity);
    }

    int count() {
      return count;
    }

    /** Of all records. */
    int bytes() {
      return out.length;
    }

    /** Of the place of a visit. */
    long hash(int visit) {
      return hashes[visit];
    }

    /**
     * Adds a dialogue of a batch.
     *
     * @param observations how many it has, at least one
     */
    void add(RunEvent.Batch event, int dialogue, int observations, byte @Nullable [] source) {
      if (count == starts.length) {
        starts = Arrays.copyOf(starts, 2 * count);
        hashes = Arrays.copyOf(hashes, 2 * count);
      }
      ObservationBatch batch = event.entry().batch();
      int idStart = dialogue == 0 ? 0 : batch.idEnds()[dialogue - 1];
      int idEnd = batch.idEnds()[dialogue];
      long hash = DialogueFormat.hash(batch.ids(), idStart, idEnd);
      int start = out.leave();
      begin(out, hash, batch.ids(), idStart, idEnd, source);
      out.number(1);
      out.number(event.sequence());
      out.number(DialogueSums.step(event) + 1);
      if (single(event, dialogue, observations)) {
        out.fill(start);
      } else {
        out.length = start;
        scratch.clear();
        scratch.id = Arrays.copyOfRange(batch.ids(), idStart, idEnd);
        scratch.add(event, dialogue, source);
        DialogueFormat.add(hash, scratch, out);
      }
      starts[count] = start;
      hashes[count++] = hash;
    }

    /** Whether the observations of a dialogue could be written so. */
    private boolean single(RunEvent.Batch event, int dialogue, int observations) {
      ObservationBatch batch = event.entry().batch();
      double[] losses = batch.losses();
      double[] raw = event.entry().weights().raw();
      Weigher reference = event.reference();
      int from = batch.offsets()[dialogue];
      int to = batch.offsets()[dialogue + 1];
      boolean following = observations == to - from;
      out.number(header(observations, SINGLE, following));
      int last = -1;
      long turn = batch.firstTurn(dialogue);
      for (int i = from; i < to; i++, turn++) {
        if (!batch.supervised(i)) {
          continue;
        }
        int slot = reference.slot(turn);
        long loss = DialogueSums.loss(losses[i]);
        if (raw[i] == 0 || slot == last || loss < 0 || loss > LARGEST_SINGLE_LOSS) {
          return false;
        }
        if (last < 0 || !following) {
          out.number(slot - last - 1L);
        }
        long excess =
            reference.warmingUp(slot) ? NOT_RATED : DialogueSums.excess(reference, slot, losses[i]);
        out.six(
            loss << SINGLE_BITS
                | DialogueSums.fixed(raw[i]) << EXCESS_BITS
                | low(excess, EXCESS_BITS));
        last = slot;
      }
      return true;
    }

    /** Goes to the record of a visit, which nothing may be added after. */
    void read(int visit, DialogueRecord record) throws CorruptJournalException {
      record.read(out, starts[visit]);
    }
  }

  /** One record, where it stands. */
  static class DialogueRecord {
    private RowInput in = new RowInput(new byte[0]);

    /** Where all records end. */
    private int limit;

    private int start;
    private int end;
    private long hash;
    private int idStart;
    private int idEnd;

    /** Of those that were written without a version. */
    private void read(RowOutput records, int from) throws CorruptJournalException {
      if (limit != records.length) {
        limit = records.length;
        in = new RowInput(records.bytes);
      }
      read(from);
    }

    /** The records of a block. */
    final void open(byte[] block) throws CorruptJournalException {
      try {
        in = versioned(block);
      } catch (IndexOutOfBoundsException e) {
        throw damaged(e);
      }
      limit = block.length;
      end = in.position;
    }

    final boolean atEnd() {
      return end == limit;
    }

    final void readNext() throws CorruptJournalException {
      read(end);
    }

    private void read(int from) throws CorruptJournalException {
      try {
        start = from;
        in.position = start;
        int length = in.half();
        if (length < Long.BYTES || length > limit - start - Integer.BYTES) {
          throw new CorruptJournalException("rows of dialogues are damaged");
        }
        end = start + Integer.BYTES + length;
        hash = in.whole();
        int idLength = Math.toIntExact(in.number());
        idStart = in.position;
        idEnd = idStart + idLength;
        if (idEnd > end) {
          throw new CorruptJournalException("rows of dialogues are damaged");
        }
      } catch (IndexOutOfBoundsException | ArithmeticException e) {
        throw damaged(e);
      }
    }

    /** Of its place. */
    long hash() {
      return hash;
    }

    /** How the places of two records compare. */
    int compareTo(DialogueRecord other) {
      return hash != other.hash
          ? Long.compare(hash, other.hash)
          : Arrays.compareUnsigned(
              in.bytes, idStart, idEnd, other.in.bytes, other.idStart, other.idEnd);
    }

    /** Adds it to the sums of what is the same dialogue. */
    void addTo(DialogueSums sums) throws CorruptJournalException {
      try {
        in.position = idEnd;
        int sourceLength = Math.toIntExact(in.number()) - 1;
        int sourceStart = in.position;
        in.position = sourceStart + Math.max(0, sourceLength);
        if (sums.visits == 0) {
          sums.id = Arrays.copyOfRange(in.bytes, idStart, idEnd);
        }
        sums.visits += in.number();
        long sequence = in.number();
        long step = in.number() - 1;
        // Those of one batch come in its order.
        if (sequence >= sums.lastSequence) {
          sums.lastSequence = sequence;
          sums.lastStep = step;
          sums.source = sourceLength < 0 ? null : source(sums.source, sourceStart, sourceLength);
        }
        addSlots(sums);
        if (in.position != end) {
          throw new CorruptJournalException("rows of dialogues are damaged");
        }
      } catch (IndexOutOfBoundsException | IllegalArgumentException | ArithmeticException e) {
        throw damaged(e);
      }
    }

    /** The same array where it is the same source. */
    private byte[] source(byte @Nullable [] before, int from, int length) {
      return before != null
              && Arrays.equals(before, 0, before.length, in.bytes, from, from + length)
          ? before
          : Arrays.copyOfRange(in.bytes, from, from + length);
    }

    private void addSlots(DialogueSums sums) {
      long header = in.number();
      boolean following = (header & FOLLOWING) != 0;
      int form = (int) header & FOLLOWING - 1;
      if (form > FEW) {
        throw new IllegalArgumentException("unknown form");
      }
      int slot = -1;
      long count = header >>> FORM_BITS;
      for (long left = count; left > 0; left--) {
        slot = Math.toIntExact(slot + 1 + (left < count && following ? 0 : in.number()));
        sums.reach(slot);
        switch (form) {
          case SINGLE -> addSingle(sums, slot, in.six());
          case FEW -> addFew(sums, slot, in.whole(), in.whole());
          default -> {
            sums.usable[slot] += in.number();
            sums.unusable[slot] += in.number();
            sums.rated[slot] += in.number();
            sums.loss[slot] += in.signed();
            sums.weight[slot] += in.number();
            sums.excess[slot] += in.signed();
            sums.beyond[slot] += in.number();
          }
        }
      }
    }

    private static void addSingle(DialogueSums sums, int slot, long observation) {
      sums.usable[slot]++;
      sums.loss[slot] += observation >>> SINGLE_BITS;
      sums.weight[slot] += low(observation >>> EXCESS_BITS, SINGLE_BITS - EXCESS_BITS);
      short excess = (short) observation;
      if (excess != NOT_RATED) {
        sums.rate(slot, excess);
      }
    }

    private static void addFew(DialogueSums sums, int slot, long first, long second) {
      sums.usable[slot] += first >>> (FEW_LOSS_BITS + FEW_COUNT_BITS);
      sums.rated[slot] += low(first >>> FEW_LOSS_BITS, FEW_COUNT_BITS);
      sums.loss[slot] += signed(first, FEW_LOSS_BITS);
      sums.weight[slot] += second >>> (FEW_EXCESS_BITS + FEW_BEYOND_BITS);
      sums.beyond[slot] += low(second >>> FEW_EXCESS_BITS, FEW_BEYOND_BITS);
      sums.excess[slot] += signed(second, FEW_EXCESS_BITS);
    }

    private static long signed(long value, int bits) {
      return (value << (Long.SIZE - bits)) >> (Long.SIZE - bits);
    }
  }

  /** Gives the blocks of a segment. */
  @FunctionalInterface
  interface BlockSource {
    byte[] block(long segment, int block) throws JournalException;
  }

  /** Reads the records of one segment one after the other. */
  static final class Reader extends DialogueRecord {
    private final Segment segment;
    private final BlockSource source;
    private int nextBlock;

    Reader(Segment segment, BlockSource source) {
      this.segment = segment;
      this.source = source;
    }

    /** Goes to the next record; false at the end. */
    boolean next() throws JournalException {
      if (atEnd()) {
        if (nextBlock == segment.blocks) {
          return false;
        }
        open(source.block(segment.id, nextBlock++));
      }
      readNext();
      return true;
    }
  }
}
