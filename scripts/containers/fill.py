"""The first data of compose.yaml: the bucket, and one run of the pipeline where nothing is live."""

import subprocess
import sys

from botocore.exceptions import ClientError

from gamerec.errors import GateRefused
from gamerec.registry import Registry
from gamerec.s3 import open_s3
from gamerec.settings import Settings, load_settings
from gamerec.storage import open_store

_THERE = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")


def make_bucket(settings: Settings) -> None:
    """Make the bucket of STORE_URL, unless it is there."""
    store = open_s3(settings.store_uri, settings)
    region = settings.aws_region
    where = {} if region == "us-east-1" else {"LocationConstraint": region}
    options = {"CreateBucketConfiguration": where} if where else {}
    try:
        store.client.create_bucket(Bucket=store.bucket, **options)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _THERE:
            raise


def main() -> int:
    settings = load_settings()
    if settings.store_uri.startswith("s3://"):
        make_bucket(settings)
    live = Registry(open_store(settings.store_uri, settings)).channel("production")
    if live:
        print(f"{live} is live: nothing to do")
        return 0
    done = subprocess.run(["gamerec", "run"], check=False)
    return 0 if done.returncode == GateRefused.exit_code else done.returncode


if __name__ == "__main__":
    sys.exit(main())
