"""Who is asking: tokens, sessions and sign-in, each ending in one Caller with one purpose."""
