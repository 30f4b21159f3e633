"""giftless as the LFS server of a test: KEY STORE PORT_FILE. Writes its port to PORT_FILE."""

import os
import sys

from giftless.app import init_app
from werkzeug.serving import make_server


def provider(**options):
    return {"factory": "giftless.auth.jwt:factory", "options": {"algorithm": "HS256", **options}}


key_file, store, port_file = sys.argv[1:]
with open(key_file, encoding="ascii") as file:
    key = file.read().strip()
storage = {"storage_class": "giftless.storage.local_storage:LocalStorage", "storage_options": {"path": store}}
app = init_app(
    additional_config={
        "LEGACY_ENDPOINTS": False,
        "AUTH_PROVIDERS": [provider(private_key=key)],
        "PRE_AUTHORIZED_ACTION_PROVIDER": provider(private_key=key, key_id="giftless", default_lifetime=600),
        "TRANSFER_ADAPTERS": {
            "basic": {"factory": "giftless.transfer.basic_streaming:factory", "options": storage},
        },
    }
)
server = make_server("127.0.0.1", 0, app, threaded=True)
with open(port_file + ".new", "w", encoding="ascii") as file:
    file.write(str(server.port))
os.rename(port_file + ".new", port_file)
server.serve_forever()
