"""Records in, joined and read back: ingest, link, unlink, review, and the joined record of one person."""
