"""What a trial reports, as frozen types: text, page and JSON are renderings of them.

A type's fields, in their order, are the keys of its JSON object. A field that has a default is left out of the JSON
while it holds it.
"""
