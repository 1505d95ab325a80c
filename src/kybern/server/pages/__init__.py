"""The pages that people work with, rendered on the server; they work without script, and better with it."""
