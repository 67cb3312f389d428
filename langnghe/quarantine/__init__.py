"""`langnghe quarantine`: look at records that were set aside, send them again or discard them."""
