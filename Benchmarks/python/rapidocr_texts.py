"""Reads the texts on pictures with RapidOCR on its default models: one JSON line a picture."""
import json
import sys

from rapidocr_onnxruntime import RapidOCR

engine = RapidOCR(intra_op_num_threads=1)
for picture in sys.argv[1:]:
    lines, _ = engine(picture)
    print(json.dumps({"id": picture, "text": "\n".join(line[1] for line in lines or [])}), flush=True)
