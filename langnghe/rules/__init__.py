"""`langnghe rules`: rule files, checked, tried and measured before they are in force."""
