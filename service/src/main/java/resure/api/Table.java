package resure.api;

import org.springframework.http.MediaType;

/** How an answer that is a table is written: as what else is answered, or as CSV. */
enum Table {
  JSON,
  CBOR,
  CSV;

  /** UTF-8, as all texts are, with the names of the columns in the first line. */
  static final MediaType TEXT_CSV =
      MediaType.parseMediaType("text/csv;charset=utf-8;header=present");
}
