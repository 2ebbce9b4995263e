-- Names, keys and ids are bytea: they are ASCII, and compare by their bytes under any collation and
-- encoding. "SET bytea_output = 'escape'" makes them readable in psql.

-- One row a run: where its journal ends. Small and updated by every append, so there is room on
-- each page for the next version of a row.
CREATE TABLE heads (
  tenant bytea NOT NULL,
  name bytea NOT NULL,
  incarnation uuid NOT NULL,
  sequence bigint NOT NULL,
  checksum bigint NOT NULL,
  -- Of what was trimmed away nothing is given any more: entries before this but the first, keys of
  -- their batches that have a step, snapshots. 0 for nothing.
  first_sequence bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, name)
) WITH (fillfactor = 50);

CREATE TABLE entries (
  tenant bytea NOT NULL,
  incarnation uuid NOT NULL,
  sequence bigint NOT NULL,
  checksum bigint NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (tenant, incarnation, sequence)
);

-- Losses and weights hardly compress; trying to costs the server more than it saves.
ALTER TABLE entries ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- A key stands unless a later rewind of its run went back to its step or before.
CREATE TABLE idempotency_keys (
  tenant bytea NOT NULL,
  incarnation uuid NOT NULL,
  idempotency_key bytea NOT NULL,
  sequence bigint NOT NULL,
  step bigint NOT NULL,
  PRIMARY KEY (tenant, incarnation, idempotency_key)
);

CREATE TABLE rewinds (
  tenant bytea NOT NULL,
  incarnation uuid NOT NULL,
  sequence bigint NOT NULL,
  next_step bigint NOT NULL,
  PRIMARY KEY (tenant, incarnation, sequence)
);

CREATE TABLE snapshots (
  tenant bytea NOT NULL,
  incarnation uuid NOT NULL,
  sequence bigint NOT NULL,
  checksum bigint NOT NULL,
  seal integer NOT NULL,
  state bytea NOT NULL,
  PRIMARY KEY (tenant, incarnation, sequence)
);

CREATE TABLE documents (
  kind integer NOT NULL,
  tenant bytea NOT NULL,
  incarnation uuid NOT NULL,
  id bytea NOT NULL,
  name bytea NOT NULL,
  seal integer NOT NULL,
  content bytea NOT NULL,
  -- Who works on it, and until when.
  owner bytea,
  claimed_until timestamptz,
  PRIMARY KEY (kind, tenant, incarnation, id)
);

-- What was trimmed away, as long as rows of it are left: those before first_sequence.
CREATE TABLE trimmings (
  tenant bytea NOT NULL,
  incarnation uuid NOT NULL,
  first_sequence bigint NOT NULL,
  PRIMARY KEY (tenant, incarnation, first_sequence)
);

-- Runs that were deleted, as long as rows of theirs are left.
CREATE TABLE garbage (
  tenant bytea NOT NULL,
  incarnation uuid NOT NULL,
  PRIMARY KEY (tenant, incarnation)
);
