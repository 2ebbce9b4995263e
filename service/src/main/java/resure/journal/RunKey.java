package resure.journal;

import resure.observation.RunId;

/**
 * One creation of a run: part of every stored key, so that a new run of an old name shares nothing
 * with the old one.
 *
 * @param id tenant and name
 * @param incarnation unique to the creation
 */
public record RunKey(RunId id, Incarnation incarnation) {}
