"""Kybern: an operating system for AI governance."""
