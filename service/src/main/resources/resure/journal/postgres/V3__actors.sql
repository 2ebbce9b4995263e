-- Entries may be of version 2, which name who asked for them: no column is another, but a replica of a release that does
-- not know them is not to start here.
COMMENT ON TABLE entries IS 'Each begins with the version of its format: 1 or 2';
