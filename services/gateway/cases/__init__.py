"""Cases: citizens who want to be called back, until they say that they were answered.

`store` is the documents, `desk` what agencies see and do, `citizen` what the citizen does, whose
secret stands in a link. What may be done when is `method/cases.py`; whose turn it is,
`method/holding.py`.
"""
