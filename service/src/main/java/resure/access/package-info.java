/**
 * Who may do what: tenants, scopes, and tokens, of which only hashes are kept. Knows nothing of
 * HTTP, and nothing of where a token came from. Values are immutable; {@link
 * resure.access.TokenFile} has a thread of its own and may be asked by any.
 */
@NullMarked
package resure.access;

import org.jspecify.annotations.NullMarked;
