"""What pages and programs share about books: days, lists, sheets, outcomes, figures, covers."""
