package resure.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Some of the dialogues that were asked for, least reliable first.
 *
 * @param run whose
 * @param sequence of the run up to which this holds what was recorded, at least
 * @param progress how much of the run it holds, from 0 to 1
 * @param dialogues as many as there are, up to the limit
 * @param next for {@link DialogueQuery#after}; null on the last page
 */
public record DialoguePage(
    String run,
    long sequence,
    double progress,
    List<DialogueReliability> dialogues,
    @Nullable String next) {}
