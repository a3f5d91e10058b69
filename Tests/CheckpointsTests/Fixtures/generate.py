"""Writes the fixtures beside this file: python generate.py

Written with torch 2.13.0 and safetensors 0.8.0. Storage keys of the legacy format are memory addresses, so those files
differ from run to run; their contents do not. Expected values are row-major little-endian bytes in hexadecimal, so
that they are compared exactly for every element type.
"""

import collections
import json
import os
import pathlib
import zipfile

import safetensors.torch
import torch

HERE = pathlib.Path(__file__).parent
TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}
NAMES = {dtype: name for name, dtype in TYPES.items()}


def expected(tensors):
    def raw(tensor):
        if tensor.numel() == 0:
            return b""
        return bytes(tensor.detach().contiguous().reshape(-1).view(torch.uint8).tolist())

    return [
        {"name": name, "type": NAMES[tensor.dtype], "shape": list(tensor.shape), "bytes": raw(tensor).hex()}
        for name, tensor in tensors.items()
    ]


def all_types():
    torch.manual_seed(7)
    tensors = {}
    for name, dtype in TYPES.items():
        values = torch.randn(2, 3, dtype=torch.float64) * 50
        if dtype == torch.uint8:
            values = values.abs()
        tensors[f"block.{name.lower()}"] = values > 0 if dtype == torch.bool else values.to(dtype)
    tensors["scalar"] = torch.tensor(-1.5)
    tensors["empty"] = torch.zeros(0, 4)
    tensors["limits"] = torch.tensor([2**63 - 1, -(2**63)])
    tensors["nan"] = torch.tensor([float("nan"), float("inf"), -0.0])
    return tensors


def state_dict():
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 7
    state = collections.OrderedDict(all_types())
    state["base"] = base
    state["transposed"] = base.t()
    state["slice"] = base[1:3, ::2]
    state["column"] = base[:, 5]
    state["expanded"] = base[2, 3].expand(2, 2)
    state["parameter"] = torch.nn.Parameter(torch.tensor([0.25, -4.0]))
    state["channels_last"] = torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
    state._metadata = torch.nn.Linear(1, 1).state_dict()._metadata
    tensors = dict(state)
    state.update({"epoch": 3, "loss": 0.5, "note": "é", "nothing": None, "flag": True, "negative": -(2**40)})
    state["seed"] = 2**70
    return state, tensors


class Attack:
    def __reduce__(self):
        return os.system, ("touch executed",)


class Instance:
    def __setstate__(self, state):
        raise RuntimeError


def save(name, value, **options):
    torch.save(value, HERE / name, **options)


def main():
    tensors = all_types()
    tensors['q"\\/\n\u0001é'] = torch.tensor([1.0])
    safetensors.torch.save_file(tensors, HERE / "all-types.safetensors", metadata={"format": "pt"})
    (HERE / "all-types.json").write_text(json.dumps(expected(tensors), indent=0))

    state, tensors = state_dict()
    (HERE / "state.json").write_text(json.dumps(expected(tensors), indent=0))
    for protocol in (2, 3, 4, 5):
        save(f"state-zip-{protocol}.pt", state, pickle_protocol=protocol)
        save(f"state-legacy-{protocol}.pt", state, pickle_protocol=protocol, _use_new_zipfile_serialization=False)

    small = {"weight": torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "bias": torch.tensor([0.5, -0.5])}
    save("small-zip.pt", small)
    save("small-legacy.pt", small, _use_new_zipfile_serialization=False)
    safetensors.torch.save_file(small, HERE / "small.safetensors")
    (HERE / "small.json").write_text(json.dumps(expected(small), indent=0))

    linear = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(linear.parameters())
    linear(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    save("nested.pt", {"epoch": 3, "optimizer": optimizer.state_dict(), "state_dict": small, "history": [1.0, None]})
    save("ambiguous.pt", {"model": small, "ema": small, "epoch": 3})
    save("tensor.pt", small["bias"])
    save("mixed.pt", {"weight": small["weight"], "layers": [small["bias"]]})
    save("integer-key.pt", {0: small["weight"]})
    save("empty.pt", collections.OrderedDict())

    # Refused.
    save("attack-zip.pt", {"weight": small["weight"], "x": Attack()})
    save("attack-zip-4.pt", {"weight": small["weight"], "x": Attack()}, pickle_protocol=4)
    save("attack-legacy.pt", {"x": Attack()}, _use_new_zipfile_serialization=False)
    save("instance.pt", {"x": Instance()})
    save("module.pt", linear)
    save("uint16.pt", {"x": torch.zeros(1, dtype=torch.uint16)})
    save("negated.pt", {"x": torch.zeros(1, dtype=torch.complex64).conj().imag})
    save("quantized.pt", {"x": torch.quantize_per_tensor(torch.ones(1), 1.0, 0, torch.qint8)})
    save("sparse.pt", {"x": torch.eye(2).to_sparse()})
    torch.jit.script(linear).save(str(HERE / "torchscript.pt"))

    # The small archive with changes that its reader must notice.
    source = zipfile.ZipFile(HERE / "small-zip.pt")
    entries = {info.filename: source.read(info) for info in source.infolist()}

    def rewrite(name, entries, method=zipfile.ZIP_STORED):
        with zipfile.ZipFile(HERE / name, "w", method) as archive:
            for key, data in entries:
                archive.writestr(zipfile.ZipInfo(key), data, compress_type=method)

    rewrite("stored.pt", entries.items())
    rewrite("compressed.pt", entries.items(), zipfile.ZIP_DEFLATED)
    rewrite("duplicate.pt", [*entries.items(), ("small-zip/data/0", entries["small-zip/data/0"])])
    rewrite("big-endian.pt", {**entries, "small-zip/byteorder": b"big"}.items())
    rewrite("without-storage.pt", [(key, data) for key, data in entries.items() if not key.endswith("data/1")])
    rewrite("short-storage.pt", {**entries, "small-zip/data/0": b"\0" * 12}.items())
    rewrite("without-pickle.pt", [(key, data) for key, data in entries.items() if not key.endswith(".pkl")])


if __name__ == "__main__":
    main()
