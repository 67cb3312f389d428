"""`langnghe chaos`: does every acknowledged answer count once, whatever is done to the system?

`schedule` draws the faults from a seed, `servers` puts a bad network before real servers, `faults`
does to the stack what the schedule says, `run` sends answers meanwhile and reckons, `outcome` is
what it came to.
"""
