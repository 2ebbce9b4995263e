package resure.api;

import org.springframework.http.MediaType;

/** How the one data model of bodies is written as bytes. */
@SuppressWarnings("ImmutableEnumChecker") // a media type is immutable, and does not say so
enum Representation {
  JSON(MediaType.APPLICATION_JSON),
  CBOR(MediaType.APPLICATION_CBOR);

  private final MediaType mediaType;

  Representation(MediaType mediaType) {
    this.mediaType = mediaType;
  }

  MediaType mediaType() {
    return mediaType;
  }
}
