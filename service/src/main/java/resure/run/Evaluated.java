package resure.run;

/**
 * An evaluation that is recorded.
 *
 * @param evaluation with its place in the journal
 * @param isNew whether this request recorded it; if not, an earlier one did that said the same
 */
public record Evaluated(Evaluation evaluation, boolean isNew) {}
