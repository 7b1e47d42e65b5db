"""Operational records in a relational database: contacts, outcomes, users, tokens, campaigns, audit."""
