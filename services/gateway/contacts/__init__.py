"""Contact data of citizens who want to be called back: by explicit consent, sealed, for a while.

`asking` is what a citizen sends, `sealing` the cryptography, `store` the documents and their end.
Why so: docs/decisions/0010-contacts.md.
"""
