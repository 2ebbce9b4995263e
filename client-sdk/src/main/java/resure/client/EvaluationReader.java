package resure.client;

import static resure.client.AnswerReader.required;

import java.time.Instant;
import java.util.List;

/** Reads evaluations. */
final class EvaluationReader {

  private EvaluationReader() {}

  static Evaluation read(AnswerReader in) {
    Long sequence = null;
    Instant at = null;
    Long step = null;
    String benchmark = null;
    Double score = null;
    Long samples = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "sequence" -> sequence = in.integer();
        case "at" -> at = in.instant();
        case "step" -> step = in.integer();
        case "benchmark" -> benchmark = in.text();
        case "score" -> score = in.number();
        case "samples" -> samples = in.integer();
        default -> in.skip();
      }
    }
    return new Evaluation(
        required(sequence, "sequence"),
        required(at, "at"),
        required(step, "step"),
        required(benchmark, "benchmark"),
        required(score, "score"),
        required(samples, "samples"));
  }

  static List<Evaluation> readList(AnswerReader in) {
    List<Evaluation> evaluations = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "evaluations" -> evaluations = in.list(EvaluationReader::read);
        default -> in.skip();
      }
    }
    return required(evaluations, "evaluations");
  }
}
