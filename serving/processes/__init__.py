"""Processes of the service: supervisor, workers, audit shipper, champion watcher."""
