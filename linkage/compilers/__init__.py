"""The one model for other engines: DuckDB for batches. The same pair gets the same levels and the same bits."""
