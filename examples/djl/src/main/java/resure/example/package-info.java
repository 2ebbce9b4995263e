/** A dialogue model trained with DJL on weights of the service. */
@NullMarked
package resure.example;

import org.jspecify.annotations.NullMarked;
