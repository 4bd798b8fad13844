"""Runs lieer's command `gmi` against the Gmail at GMAIL_ROOT_URL. Nothing else of it is changed."""

import json
import os

import google.oauth2.credentials
from googleapiclient import discovery
from googleapiclient.discovery_cache import get_static_doc

ROOT_URL = os.environ["GMAIL_ROOT_URL"]

# Google's library has no setting for these two: it ignores the credentials' token_uri, and its `api_endpoint` leaves
# batches at Google.
google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT = f"{ROOT_URL}/token"


def build(service, version, credentials):
    """discovery.build, which reads the same document from the installed package, with another host."""
    document = json.loads(get_static_doc(service, version))
    document["rootUrl"] = document["baseUrl"] = f"{ROOT_URL}/"
    return discovery.build_from_document(document, credentials=credentials)


discovery.build = build

from lieer.gmailieer import Gmailieer  # noqa: E402 (takes discovery.build as it is by now)

Gmailieer().main()
