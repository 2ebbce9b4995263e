package resure.journal;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.observation.RunId;

/**
 * The durable truth of all runs: dense sequences of entries, one a run, snapshots of the runs'
 * folded state, and documents that go with a run. Blocking; safe for use by many threads.
 *
 * <p>A failed write or sync is final for what was open: the store refuses with {@link
 * JournalUnavailableException} until {@link #check} has reopened and recovered it.
 */
public interface Journal extends AutoCloseable {

  /**
   * Whether other processes may append too. What this one knows of a run may then be behind, and
   * {@link #head} tells.
   */
  boolean shared();

  /**
   * Appends a group, each run at most once; on return it is durable (as far as the configured
   * durability promises). A run conflicts, and nothing is appended to it, when its journal does not
   * end at {@link Append#after}, when it is gone, when its name is taken (for {@link
   * JournalEntry.Created}), or when one of the keys is that of a batch that no rewind has removed.
   * All other runs are unharmed.
   *
   * <p>{@code Created} claims the name; {@code Rewound} forgets the keys of the batches that it
   * removes; {@code Deleted} removes the run with all that belongs to it and frees the name. {@code
   * Trimmed} forgets the entries between the first and its {@code firstSequence}, the keys of those
   * of their batches that have a step, and the snapshots before it: from then on nothing gives any
   * of them, though the store may take its time to remove them. The keys of batches without a step
   * stay: nothing else would tell that such a batch was recorded.
   *
   * @return where the journals of the runs end now that did not conflict
   * @throws OutcomeUnknownException when the group may or may not have been written
   * @throws JournalUnavailableException when nothing was written
   */
  Map<RunKey, Head> append(List<Append> group) throws JournalException;

  /**
   * Creates a run as a trimming leaves it: with its first entry, and the one at which its journal
   * goes on. What follows is appended after {@code first}; snapshots and {@link #keep lasting keys}
   * are to be given too, and until there is a snapshot the run cannot be read to its end.
   *
   * @param created its first entry
   * @param first what {@link #read} gives next, at least of sequence 3; it is not asked what it
   *     follows
   * @return false, with nothing written, when the run is there, or its name is taken
   * @throws OutcomeUnknownException when it may or may not have been written
   * @throws JournalUnavailableException when nothing was written
   */
  boolean createTrimmed(RunKey run, StoredEntry created, StoredEntry first) throws JournalException;

  /**
   * The keys of batches without a step that were trimmed away, in order of their bytes.
   *
   * @param after only those after this one; null for all
   * @return at most {@code limit}; none when there are no more, or the run is gone
   */
  List<LastingKey> lastingKeys(RunKey run, @Nullable String after, int limit)
      throws JournalException;

  /**
   * Keeps keys that {@link #lastingKeys} of another store gave for the same run, in one write;
   * those that are there are left so. Nothing is kept when the run is gone.
   *
   * @throws OutcomeUnknownException when they may or may not have been written
   * @throws JournalUnavailableException when nothing was written
   */
  void keep(RunKey run, List<LastingKey> keys) throws JournalException;

  /**
   * Waits until nobody else appends to the run, keeps everybody away until the result is closed, or
   * for as long as the store allows one to, and reads as {@link #read} does. To be closed by the
   * caller. A store of one process has nobody to keep away.
   */
  default Exclusive exclusive(RunKey run, long from, int maxBytes) throws JournalException {
    return Exclusive.without(this, read(run, from, maxBytes));
  }

  /** Where the run's journal ends now; null when the run is gone. */
  @Nullable Head head(RunKey run) throws JournalException;

  /**
   * Reads entries in order of sequence, those that a rewind removed included. Where some were
   * trimmed away it goes on with the first that is left. Each other one {@link StoredEntry#follows}
   * the one before it; whether the first follows what the caller knows is for the caller to ask.
   *
   * @param from first sequence, at least 1
   * @param maxBytes stops after the entry that reaches this size, but gives at least one
   * @return what there is; empty at the end of the journal, or when the run is gone
   * @throws CorruptJournalException when an entry is damaged, missing, or another's
   */
  List<StoredEntry> read(RunKey run, long from, int maxBytes) throws JournalException;

  /**
   * Sequence of the batch with this key that no rewind has removed; 0 when there is none. That of a
   * batch without a step may have been trimmed away.
   */
  long find(RunKey run, String key) throws JournalException;

  /** The run that has this name now; null when there is none. */
  @Nullable RunKey lookup(RunId id) throws JournalException;

  /** The tenants that have runs, in no particular order; as cheap as they are few. */
  List<String> tenants() throws JournalException;

  /** Names of a tenant's runs in order of their bytes, those after {@code after} (null: all). */
  List<RunKey> list(String tenant, @Nullable String after, int limit) throws JournalException;

  /**
   * Keeps a snapshot beside the older ones, unless the run is gone, or what the snapshot is of was
   * trimmed away. Losing one costs reading; of a run that was trimmed the last one is what its
   * statistics begin with. The oldest is kept.
   */
  void save(RunKey run, Snapshot snapshot) throws JournalException;

  /**
   * Newest snapshot of a sequence of at most {@code atMost} that is undamaged and whose head is one
   * that the run's journal has had; null when there is none.
   */
  @Nullable Snapshot snapshot(RunKey run, long atMost) throws JournalException;

  /**
   * Keeps a document, in place of the one of that name if there is one; on return it is as durable
   * as an appended entry. Larger ones hold up the appends of all runs: pieces of some hundred
   * kilobytes do not.
   *
   * @return false, with nothing kept, when the run is gone
   * @throws OutcomeUnknownException when it may or may not have been written
   * @throws JournalUnavailableException when nothing was written
   */
  boolean keep(Document document, byte[] content) throws JournalException;

  /**
   * Discards one document and keeps another of the same run, with the same id and another kind, in
   * one write: after a crash there is the one or the other.
   *
   * @return false, with nothing changed, when {@code document} is not there
   * @throws OutcomeUnknownException when it may or may not have been written
   * @throws JournalUnavailableException when nothing was written
   */
  boolean move(Document document, DocumentKind to, byte[] content) throws JournalException;

  /**
   * Says that {@code owner} works on the document for as long as {@code lease} from now. Of several
   * owners one has it, until its time, which is the store's own, is over; to claim again what one
   * has makes it longer.
   *
   * @return false when another owner has it, or it is not there
   */
  boolean claim(Document document, String owner, Duration lease) throws JournalException;

  /** Discards documents of one run in one write; those that are not there are passed over. */
  void discard(Collection<Document> documents) throws JournalException;

  /**
   * What a document holds; null when it is not there.
   *
   * @throws CorruptJournalException when it is damaged, or another's
   */
  byte @Nullable [] content(Document document) throws JournalException;

  /** The documents of one kind of a run, by id, in order of its characters; damaged ones too. */
  List<Document> documents(RunKey run, DocumentKind kind) throws JournalException;

  /** The documents of one kind of all runs, in no particular order; as cheap as they are few. */
  List<Document> documents(DocumentKind kind) throws JournalException;

  /** The rows of read models, kept beside; closed with this. */
  RunRows rows();

  /**
   * Throws when the store cannot take a batch now. A store that failed is reopened and recovered
   * here, so somebody must call it now and then.
   */
  void check() throws JournalException;

  @Override
  void close();
}
