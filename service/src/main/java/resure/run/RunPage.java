package resure.run;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Some of a tenant's runs, by name.
 *
 * @param runs those that matched
 * @param next name after which to go on; null at the end
 */
public record RunPage(List<RunDescription> runs, @Nullable String next) {}
