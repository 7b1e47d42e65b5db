"""Read-only tools for a person's assistant over the API, by the Model Context Protocol."""
