"""`langnghe demo`: the whole main job with real parts, and one office that fails.

`run` sends the answers and follows them, `outcome` is what it came to, `command` starts the stack
and the receiver of the alerts around it.
"""
