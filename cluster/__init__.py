"""The rim of clusters: engines whose tasks run on other machines."""
