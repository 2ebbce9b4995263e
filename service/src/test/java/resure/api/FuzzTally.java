package resure.api;

/** How many bodies were found to be what. */
record FuzzTally(long accepted, long refused, long malformed) {

  static final FuzzTally NONE = new FuzzTally(0, 0, 0);

  FuzzTally with(Verdict verdict) {
    return switch (verdict) {
      case ACCEPTED -> new FuzzTally(accepted + 1, refused, malformed);
      case REFUSED -> new FuzzTally(accepted, refused + 1, malformed);
      case MALFORMED -> new FuzzTally(accepted, refused, malformed + 1);
    };
  }

  FuzzTally plus(FuzzTally other) {
    return new FuzzTally(
        accepted + other.accepted, refused + other.refused, malformed + other.malformed);
  }

  /** Fails where one verdict was so rare that little of it can have been tried. */
  FuzzTally requireMixture() {
    long bodies = accepted + refused + malformed;
    if (accepted < bodies / 4 || refused < bodies / 20 || malformed < bodies / 4) {
      throw new AssertionError(this + ": a poor mixture");
    }
    return this;
  }
}
