package resure.projection;

import java.io.ByteArrayOutputStream;
import java.util.HexFormat;
import resure.journal.JournalException;
import resure.journal.RowKind;
import resure.journal.RunKey;
import resure.journal.RunRows;

/** All that the rows of a run say of dialogues, however it is spread over segments. */
final class DialogueBytes {

  private DialogueBytes() {}

  static String of(RunRows rows, RunKey run) throws JournalException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DialogueFormat.SegmentWriter writer =
        new DialogueFormat.SegmentWriter((block, content) -> bytes.writeBytes(content));
    DialogueMerge merge =
        new DialogueMerge(
            DialogueFormat.list(rows.get(run, RowKind.DIALOGUES, DialogueFormat.listKey())),
            (segment, block) -> {
              byte[] content =
                  rows.get(run, RowKind.DIALOGUES, DialogueFormat.blockKey(segment, block));
              if (content == null) {
                throw new AssertionError("a block is missing");
              }
              return content;
            });
    DialogueSums scratch = new DialogueSums();
    while (merge.next()) {
      merge.copyTo(writer, scratch);
    }
    var _ = writer.end(0, 0);
    return HexFormat.of().formatHex(bytes.toByteArray());
  }
}
