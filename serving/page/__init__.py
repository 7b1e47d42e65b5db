"""The relationship manager's page: log in, call list of the day, customer's sheet, record the outcome.

The page can do nothing that the command line and a notebook cannot: it calls `vipreco.online` and
`vipreco.store`, and renders what they return.
"""
