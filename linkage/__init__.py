"""Which records are the same person.

This room computes and never reaches out: no files, sockets, databases or clock. Bytes, candidates and
connections are handed in; findings, evidence and pseudonyms come out.
"""
