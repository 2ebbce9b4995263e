package resure.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Some of the runs that were asked for: fewer than the limit, even none, say nothing of the rest.
 *
 * @param runs ascending by name
 * @param next for {@link RunQuery#after}; null on the last page
 */
public record RunPage(List<Run> runs, @Nullable String next) {}
