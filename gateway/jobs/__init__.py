"""Durable jobs: the job table is the truth, a worker takes up what was interrupted."""
