package resure.replay;

/**
 * Sums of one turn.
 *
 * @param turn its index; turns past the configuration's last are pooled in that
 * @param tally the sums
 */
public record TurnTally(int turn, Tally tally) {}
