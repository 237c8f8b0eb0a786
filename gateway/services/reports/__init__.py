"""Reports for whoever mends the records: what did not match and why, and how the NHS number is held (ISB 0149)."""
