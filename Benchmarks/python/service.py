"""`POST /v1/predict` as a Python user would serve it: FastAPI and uvicorn on the encoders of encoders.py and a run's linear head.

Plain: one request at a time in float32. Tuned (--tuned): pictures decoded by a thread a core, requests gathered into batches,
bfloat16 where the processor multiplies it, channels-last, uvloop and httptools.
"""
import argparse
import asyncio
import concurrent.futures
import contextlib
import io
import os
import pathlib

import fastapi
import numpy as np
import torch
import uvicorn
from PIL import Image
from safetensors.torch import load_file

from encoders import ImageEncoder, TextEncoder

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("run", type=pathlib.Path, help="a run of memesense train --method logistic-regression")
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--tuned", action="store_true")
parser.add_argument("--bfloat16", action="store_true")
options = parser.parse_args()

BATCH_SIZE = 16
CORES = os.cpu_count()


class Head:
    """The logistic regression of a run's model.safetensors."""

    def __init__(self, run):
        self.values = load_file(run / "model.safetensors")

    def __call__(self, image, text):
        blocks = []
        for name, block in (("image", image), ("text", text)):
            mean, deviation = (self.values[f"preparation.{name}.{key}"] for key in ("mean", "deviation"))
            scale = torch.where(deviation > 1e-6, deviation + 1e-6, torch.ones(1))
            blocks.append((block - mean) / scale / block.shape[1] ** 0.5)
        return torch.sigmoid(torch.nn.functional.linear(torch.cat(blocks, 1), self.values["weight"], self.values["bias"]))


images, texts, head = ImageEncoder(tuned=options.tuned), TextEncoder(), Head(options.run)
if options.bfloat16:
    images.model.to(torch.bfloat16)
    texts.model.to(torch.bfloat16)


def pixels(file):
    """A picture's file as the network's input."""
    image = Image.open(io.BytesIO(file)).convert("RGB").resize((224, 224), Image.BICUBIC)
    return (np.asarray(image, np.float32) - 127) / 128


def probabilities(inputs, sentences):
    with torch.inference_mode():
        batch = torch.from_numpy(np.stack(inputs)).permute(0, 3, 1, 2).contiguous(memory_format=images.layout)
        features = images.model.extract_features(batch.to(next(images.model.parameters()).dtype)).float().mean((2, 3))
        return head(features, texts(sentences))[:, 0].tolist()


decoding = concurrent.futures.ThreadPoolExecutor(CORES)
computing = concurrent.futures.ThreadPoolExecutor(1)
waiting = asyncio.Queue()


async def compute_batches():
    """Takes what waits as soon as the batch before has ended."""
    loop = asyncio.get_running_loop()
    while True:
        batch = [await waiting.get()]
        while len(batch) < BATCH_SIZE and not waiting.empty():
            batch.append(waiting.get_nowait())
        try:
            answers = await loop.run_in_executor(computing, probabilities, [b[0] for b in batch], [b[1] for b in batch])
            for (_, _, future), answer in zip(batch, answers):
                future.set_result(answer)
        except Exception as error:  # the requests fail, the service goes on
            for _, _, future in batch:
                future.set_exception(error)


@contextlib.asynccontextmanager
async def batches(_):
    task = asyncio.create_task(compute_batches())
    yield
    task.cancel()


app = fastapi.FastAPI(lifespan=batches)


@app.post("/v1/predict")
async def predict(image: fastapi.UploadFile, text: str = fastapi.Form()):
    file, loop = await image.read(), asyncio.get_running_loop()
    if options.tuned:
        inputs = await loop.run_in_executor(decoding, pixels, file)
        future = loop.create_future()
        waiting.put_nowait((inputs, text, future))
        value = await future
    else:
        value = (await loop.run_in_executor(computing, lambda: probabilities([pixels(file)], [text])))[0]
    return {"predictions": [{"id": "meme-1", "probabilities": {"harmful": value}}]}


uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", access_log=False,
            loop="uvloop" if options.tuned else "auto", http="httptools" if options.tuned else "auto")
