"""The peer of benchmark_service.py: FastAPI with the same request and response models, and no work.

uvicorn as in `gamerec serve`; every question gets the one answer that ANSWER holds.
"""

import argparse
import os

import uvicorn
from fastapi import FastAPI

from gamerec.service.schemas import PredictRequest, PredictResponse

app = FastAPI()
ANSWER = PredictResponse.model_validate_json(os.environ.get("ANSWER", "{}"))


@app.post("/predict")
async def predict(asked: PredictRequest) -> PredictResponse:
    """The answer."""
    return ANSWER


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    options = {"loop": "uvloop", "http": "httptools", "log_level": "warning", "access_log": False}
    uvicorn.run(app, host="127.0.0.1", port=parser.parse_args().port, **options)
