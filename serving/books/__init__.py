"""Books as pages and programs share them: days, lists, sheets, outcomes, figures, covers."""
