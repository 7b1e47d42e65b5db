"""Work of people and programs below pages and routes: books, figures, covers, switches, the audit chain."""
