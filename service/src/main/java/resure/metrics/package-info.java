/**
 * Every meter of the service, in one place. Is told what happened on the shards' threads and must
 * not hold them up; registries read from threads of their own. The number of series is bounded,
 * whatever the number of runs.
 */
@NullMarked
package resure.metrics;

import org.jspecify.annotations.NullMarked;
