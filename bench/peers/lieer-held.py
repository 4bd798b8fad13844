"""Prints what a folder of lieer holds: a line of JSON for each message, with its id, its tags and its file."""

import json
import os
import sys

import notmuch2

folder = os.path.join(sys.argv[1], "mail", "cur")
with notmuch2.Database() as database:
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            tags = sorted(database.get(path).tags)
        except LookupError:
            tags = None
        print(json.dumps({"id": name.split(":2,")[0], "tags": tags, "path": path}))
