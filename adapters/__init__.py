"""How each source speaks, turned into FHIR R4 UK Core: parsing and mapping only, bytes are handed in.

Every reader keeps one promise, **rows accounted for**: each row (or message) of each file handed in comes
out exactly once, in file order, as a `SourceRecord` or as a `Quarantined` that names the field and the rule.
Blank lines are not rows. A reader raises nothing but `FeedRefused`, and only when a whole file cannot be
read. Where a broken quote or delimiter leaves the rest of a file in doubt, the row that broke it is
quarantined and reading goes on at the next line, so one bad row never swallows the good ones after it.
The same files give the same items in the same order, so that a reader who was stopped can count its way back.
"""
