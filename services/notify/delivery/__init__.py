"""How agencies hear of alerts: who, by which channel, in which mail, until it has arrived."""
