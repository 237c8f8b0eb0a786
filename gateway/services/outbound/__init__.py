"""What leaves by itself: signed webhooks from the durable outbox, and the subscribers who asked for them."""
