"""Use cases: each reads like the sentence that describes it. No HTTP, no SQL and no rule of its own."""
