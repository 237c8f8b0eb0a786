"""How each source speaks, turned into FHIR R4 UK Core: parsing and mapping only, bytes are handed in.

Every reader keeps one promise, **rows accounted for**: each row (or message) of each file handed in comes out
exactly once, as a `SourceRecord` or as a `Quarantined` that names the field and the rule. Records and quarantined
rows together are the rows of the file. What that means at the edges:

* Blank lines are not rows. Rows that are only looked up (codes, sharing agreements) give no record; a bad one among
  them is quarantined all the same.
* Where a quote that never closes leaves the rest of a file in doubt, the row that opened it is quarantined and
  reading goes on at its next line, so that one bad row never swallows the good ones after it. A malformed row that
  ran over several lines comes apart into them.
* A last row that the file breaks off in is quarantined as ``truncated-row``.
* Nothing but `FeedRefused` is raised, when a whole file cannot be used, and before its first row is given; only a
  disk that fails while the file is read can come later.
* The same files give the same items in the same order, so that a reader who was stopped can count its way back.
* Messages name file, row, field and rule, and never a value: values are people's.
"""
