/**
 * Other weightings tried on a run's recorded losses: what every configuration of a plan would have
 * answered, had it been the run's own. In the background, in bounded memory, on threads of its own;
 * shares no state with live traffic, which it knows only through recorded batches.
 */
@NullMarked
package resure.replay;

import org.jspecify.annotations.NullMarked;
