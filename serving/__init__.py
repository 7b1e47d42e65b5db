"""The running service: scoring endpoint and the relationship manager's page."""
