package resure.access;

import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import resure.observation.RunId;

/**
 * Who asks.
 *
 * @param tenant whose runs are meant, and no others
 * @param scopes what is allowed
 * @param name as the audit log calls the caller: a token's key id, or issuer and subject; never a
 *     secret
 */
public record Caller(String tenant, Set<Scope> scopes, String name) {

  /** Everybody, where no credentials are configured. */
  public static final Caller ANYBODY =
      new Caller(RunId.DEFAULT_TENANT, EnumSet.allOf(Scope.class), "anybody");

  /** Copies the scopes. */
  public Caller {
    scopes = Set.copyOf(scopes);
  }

  /** As what the caller changes is recorded; null where callers are not told from each other. */
  public @Nullable String actor() {
    return name.equals(ANYBODY.name) ? null : name;
  }

  /** Whether the caller is allowed this. */
  public boolean may(Scope scope) {
    return scopes.contains(scope);
  }
}
