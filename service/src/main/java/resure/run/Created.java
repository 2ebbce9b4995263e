package resure.run;

/**
 * A run that is there now.
 *
 * @param run as it is
 * @param isNew whether this request made it
 */
public record Created(RunDescription run, boolean isNew) {}
