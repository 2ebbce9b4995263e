/**
 * The application: runs, their live state, and the threads that own it. {@code Runs} is the front
 * door and chooses a {@code Shard}; a shard is one thread that owns the state of a subset of the
 * runs and changes it only by applying journal entries ({@code Run.apply}), live and at recovery
 * alike. Nothing here knows HTTP, Spring or a particular store.
 */
@NullMarked
package resure.run;

import org.jspecify.annotations.NullMarked;
