"""What tells others that something changed: an outbox written with each change, read by programs, pages and webhooks."""
