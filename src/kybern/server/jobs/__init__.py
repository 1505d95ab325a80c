"""Work that nobody waits for: publishing the log, delivering webhooks, looking at deadlines."""
