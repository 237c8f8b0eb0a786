"""Who may see what, and the proof of it.

Agreements in, decisions and ledger rows out. The room computes and never reaches out: no clock, no store, no socket,
no file; every fact and every instant is handed in. People are opaque subject references here.
"""
