package resure.projection;

import java.util.List;

/**
 * Some dialogues of a run, least reliable first.
 *
 * @param dialogues those of the page
 * @param more whether there are others after them
 */
public record DialoguePage(List<DialogueReliability> dialogues, boolean more) {}
