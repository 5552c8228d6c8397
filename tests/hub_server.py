"""A stand-in for the Hugging Face Hub: as much of its HTTP as an upload needs, by huggingface_hub 0.36."""

import base64
import json
import logging
import threading

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

TOKEN = "hf_made_up"
LARGE = (".h5", ".safetensors")  # files that go through the storage of large files


class HubServer:
    """The server at ``address``.

    files : what was committed, name -> bytes, by repository.  private : the private repositories.
    down : the beginning of a path whose requests get status 500.  complaints : about the metadata of every card.
    """

    def __init__(self):
        self.files, self.private, self.requests, self.down = {}, set(), [], None
        self.complaints = []
        self._stored = {}
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would report every request
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()

    @Request.application
    def _answer(self, request):
        path = request.path
        self.requests.append(f"{request.method} {path}")
        if self.down and path.startswith(self.down):
            return Response(json.dumps({"error": "out of order"}), 500, mimetype="application/json")
        if path.startswith("/storage/"):
            self._stored[path.removeprefix("/storage/")] = request.get_data()
            return Response()
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Response(json.dumps({"error": "Invalid credentials"}), 401, mimetype="application/json")
        if path == "/api/repos/create":
            return self._create(json.loads(request.get_data()))
        if path.endswith(".git/info/lfs/objects/batch"):
            wanted = request.get_json(force=True)["objects"]
            return _json({"transfer": "basic", "objects": [self._object(one) for one in wanted]})
        if path == "/api/validate-yaml":
            errors = [{"message": complaint} for complaint in self.complaints]
            return _json({"errors": errors, "warnings": []}, 400 if errors else 200)
        _, _, _, owner, name, action, _ = path.split("/")
        if action == "preupload":
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                    "shouldIgnore": False,
                }
                for file in request.get_json()["files"]
            ]
            return _json({"files": files})
        return self._commit(f"{owner}/{name}", request.get_data())

    def _create(self, wanted):
        repo = f"{wanted.get('organization') or 'me'}/{wanted['name']}"
        status = 409 if repo in self.files else 200
        self.files.setdefault(repo, {})
        if status == 200 and wanted["private"]:
            self.private.add(repo)
        return _json({"url": f"{self.address}/{repo}"}, status)

    def _object(self, wanted):
        upload = {"href": f"{self.address}/storage/{wanted['oid']}"}
        return {**wanted, "authenticated": True, "actions": {"upload": upload}}

    def _commit(self, repo, body):
        for line in body.splitlines():
            part = json.loads(line)
            value = part["value"]
            if part["key"] == "file":
                self.files[repo][value["path"]] = base64.b64decode(value["content"])
            elif part["key"] == "lfsFile":
                self.files[repo][value["path"]] = self._stored[value["oid"]]
        return _json(
            {"commitUrl": f"{self.address}/{repo}/commit/{'0' * 40}", "commitOid": "0" * 40, "success": True}
        )


def _json(content, status=200):
    return Response(json.dumps(content), status, mimetype="application/json")
