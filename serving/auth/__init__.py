"""Authentication and authorisation: tokens, sessions, log-in, and the checks before each handler."""
