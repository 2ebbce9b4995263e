package resure.client;

import java.net.URI;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Where the service is: one address is used until it fails, then the next. Thread-safe. */
final class Addresses {

  private final List<URI> all;
  private final AtomicInteger current = new AtomicInteger();

  Addresses(List<URI> all) {
    this.all = all;
  }

  int size() {
    return all.size();
  }

  URI current() {
    return all.get(current.get());
  }

  /** Leaves an address for the next, unless somebody has already. */
  void failed(URI address) {
    int index = all.indexOf(address);
    current.compareAndSet(index, (index + 1) % all.size());
  }

  @Override
  public String toString() {
    return all.toString();
  }
}
