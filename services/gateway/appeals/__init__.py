"""Appeals: an office holds a rating for mistaken, and somebody above it decides.

The answer stays counted, and is flagged wherever it is shown (`store.flags`). Who may do what is
`method/appeals.py`.
"""
