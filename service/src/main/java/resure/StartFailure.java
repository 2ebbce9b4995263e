package resure;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import resure.compute.BackendUnavailableException;
import resure.journal.JournalException;

/** Says what keeps the service from starting, in place of a stack trace. */
final class StartFailure implements FailureAnalyzer {

  @Override
  public @Nullable FailureAnalysis analyze(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof InvalidPropertiesException) {
        return new FailureAnalysis(
            String.valueOf(cause.getMessage()),
            "Correct these properties; README.md lists them all.",
            failure);
      }
      if (cause instanceof BackendUnavailableException) {
        return new FailureAnalysis(
            "resure.compute.backend is djl, which cannot be used: " + cause.getMessage(),
            "See docs/gpu.md for where libtorch comes from, or set resure.compute.backend=jvm.",
            failure);
      }
      if (cause instanceof JournalException) {
        return new FailureAnalysis(
            "The store cannot be opened: " + cause.getMessage(),
            "Nothing was changed. Mend what is named, restore a backup, or choose another place:"
                + " resure.state.directory, or spring.datasource.url with"
                + " resure.journal.store=postgres.",
            failure);
      }
    }
    return null;
  }
}
