-- Rows of read models: made from the entries, and made again from them where they are lost.

-- Up to where a run's rows say what its entries do.
CREATE TABLE row_marks (
  tenant bytea NOT NULL,
  incarnation uuid NOT NULL,
  sequence bigint NOT NULL,
  checksum bigint NOT NULL,
  newest_step bigint NOT NULL,
  from_sequence bigint NOT NULL,
  PRIMARY KEY (tenant, incarnation)
) WITH (fillfactor = 50);

CREATE TABLE run_rows (
  tenant bytea NOT NULL,
  incarnation uuid NOT NULL,
  kind integer NOT NULL,
  key bytea NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (tenant, incarnation, kind, key)
);

-- They are packed already.
ALTER TABLE run_rows ALTER COLUMN content SET STORAGE EXTERNAL;
