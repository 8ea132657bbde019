#!/usr/bin/env python3
"""Makes sigv4_vectors.json: signatures by botocore (1.43) for requests as S3Client makes them.

usage: make_sigv4_vectors.py > sigv4_vectors.json        needs: pip install botocore
Each vector has the request's parts before encoding and the Authorization header that botocore gives it."""
import calendar
import datetime
import hashlib
import json

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from urllib.parse import quote

KEYS = [
    "a", "tenant/1-2-3", "sp ace", "plus+eq=am&p?", "per%cent%20", "tilde~-_.", "quote'\"<>`", "paren()!*,;:@$",
    "ünïcödé/日本/🙂", "e\u0301", "back\\slash|pipe^{}[]", "//double", "a/../b", "x" * 300,
]
QUERIES = [
    [], [("list-type", "2"), ("prefix", "a b/+&=ü"), ("max-keys", "10"), ("encoding-type", "url")],
    [("uploads", "")], [("b", "2"), ("a", "1"), ("a-b", "0"), ("A", "3")],
]


def vector(method, host, path_key, query, headers, body, when, region, token):
    access, secret = "AKIDEXAMPLEEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    path = "/bucket/" + quote(path_key, safe="/-_.~") if path_key is not None else "/bucket"
    encoded = "&".join(
        f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(
            query, key=lambda p: (quote(p[0], safe='-_.~'), quote(p[1], safe='-_.~'))))
    sha256 = hashlib.sha256(body).hexdigest()
    request = AWSRequest(
        method=method, url=f"https://{host}{path}" + (f"?{encoded}" if encoded else ""), data=body,
        headers={"host": host, "x-amz-content-sha256": sha256, **dict(headers)})
    signer = botocore.auth.S3SigV4Auth(Credentials(access, secret, token), "s3", region)
    signer.payload = lambda _request: sha256
    now = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda remove_tzinfo=True: now.replace(tzinfo=None)
    signer.add_auth(request)
    return {
        "method": method, "host": host, "key": path_key, "query": [list(p) for p in query],
        "headers": [list(h) for h in headers], "sha256": sha256, "time": when, "region": region, "token": token,
        "access": access, "secret": secret, "authorization": request.headers["Authorization"],
    }


def main():
    when = calendar.timegm((2026, 2, 28, 23, 59, 59))
    vectors = [vector("GET", "s3.example:9000", key, [], [], b"", when, "us-east-1", None) for key in KEYS]
    vectors += [vector("GET", "s3.example", None, query, [], b"", when + 1, "eu-west-1", None) for query in QUERIES]
    vectors += [
        vector("PUT", "s3.example", "k", [], [("content-type", "application/octet-stream"), ("if-none-match", "*"),
               ("x-amz-meta-sha256", "ab  cd ")], b"bytes", when, "us-east-1", "tok/en+=="),
        vector("HEAD", "s3.example", "k", [], [], b"", 951782400, "us-east-1", None),
        vector("DELETE", "s3.example", "k", [], [("range", "bytes=0-9")], b"", 4102444799, "us-east-1", None),
    ]
    print(json.dumps(vectors, indent=1, ensure_ascii=True))


main()
