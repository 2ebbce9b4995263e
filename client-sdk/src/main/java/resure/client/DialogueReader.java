package resure.client;

import static resure.client.AnswerReader.required;

import java.util.List;

/** The dialogues of a run, from an answer. */
final class DialogueReader {

  private DialogueReader() {}

  static DialoguePage readPage(AnswerReader in) {
    String run = null;
    Long sequence = null;
    Double progress = null;
    List<DialogueReliability> dialogues = null;
    String next = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "run" -> run = in.text();
        case "sequence" -> sequence = in.integer();
        case "progress" -> progress = in.number();
        case "dialogues" -> dialogues = in.list(DialogueReader::read);
        case "next" -> next = in.textOrNull();
        default -> in.skip();
      }
    }
    return new DialoguePage(
        required(run, "run"),
        required(sequence, "sequence"),
        required(progress, "progress"),
        required(dialogues, "dialogues"),
        next);
  }

  private static DialogueReliability read(AnswerReader in) {
    String dialogue = null;
    String source = null;
    Long visits = null;
    Long observations = null;
    Long unusable = null;
    Double meanWeight = null;
    Double excess = null;
    Double unreliability = null;
    Long lastStep = null;
    List<DialogueReliability.Turn> turns = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "dialogue" -> dialogue = in.text();
        case "source" -> source = in.textOrNull();
        case "visits" -> visits = in.integer();
        case "observations" -> observations = in.integer();
        case "unusable" -> unusable = in.integer();
        case "meanWeight" -> meanWeight = in.numberOrNull();
        case "excess" -> excess = in.numberOrNull();
        case "unreliability" -> unreliability = in.number();
        case "lastStep" -> lastStep = in.integerOrNull();
        case "turns" -> turns = in.list(DialogueReader::readTurn);
        default -> in.skip();
      }
    }
    return new DialogueReliability(
        required(dialogue, "dialogue"),
        source,
        required(visits, "visits"),
        required(observations, "observations"),
        required(unusable, "unusable"),
        required(meanWeight, "meanWeight"),
        required(excess, "excess"),
        required(unreliability, "unreliability"),
        lastStep,
        required(turns, "turns"));
  }

  private static DialogueReliability.Turn readTurn(AnswerReader in) {
    Long turn = null;
    Long observations = null;
    Long unusable = null;
    Double meanLoss = null;
    Double meanWeight = null;
    Double excess = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "turn" -> turn = in.integer();
        case "observations" -> observations = in.integer();
        case "unusable" -> unusable = in.integer();
        case "meanLoss" -> meanLoss = in.numberOrNull();
        case "meanWeight" -> meanWeight = in.numberOrNull();
        case "excess" -> excess = in.numberOrNull();
        default -> in.skip();
      }
    }
    return new DialogueReliability.Turn(
        required(turn, "turn"),
        required(observations, "observations"),
        required(unusable, "unusable"),
        required(meanLoss, "meanLoss"),
        required(meanWeight, "meanWeight"),
        required(excess, "excess"));
  }
}
