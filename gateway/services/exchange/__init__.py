"""Files that come in through a mailbox, and the responses that go back: each once, whatever is killed in between."""
