/**
 * The service as a training loop on the JVM uses it. {@link resure.client.ResureClient} makes every
 * call of the contract; {@link resure.client.TrainingRun} weighs batches by a deadline whatever
 * becomes of the service. Types of this package are immutable or say who may call them.
 */
@NullMarked
package resure.client;

import org.jspecify.annotations.NullMarked;
