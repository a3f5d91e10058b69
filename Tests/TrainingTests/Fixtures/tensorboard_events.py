"""Writes events.tfevents with TensorBoard's own messages and record writer: what EventFileTests expect to the byte.

    $(Benchmarks/setup-python --tensorboard) tensorboard_events.py        (tensorboard 2.21.0)

With the path of a run's folder it reads the event file there by TensorBoard instead and prints what it shows, as JSON.
"""

import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2
from tensorboard.plugins.pr_curve import plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util


def shape(*sizes):
    return tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=n) for n in sizes])


def plugged(tag, tensor, plugin, content=b""):
    data = summary_pb2.SummaryMetadata.PluginData(plugin_name=plugin, content=content)
    return summary_pb2.Summary.Value(
        tag=tag, tensor=tensor, metadata=summary_pb2.SummaryMetadata(plugin_data=data)
    )


def scalar(tag, value):
    return summary_pb2.Summary.Value(tag=tag, simple_value=value)


def precision_recall(tag, truth, probabilities, count):
    rows = []
    for threshold in [k / (count - 1) for k in range(count)]:
        predicted = [p >= threshold for p in probabilities]
        tp = sum(t and d for t, d in zip(truth, predicted))
        fp = sum(d and not t for t, d in zip(truth, predicted))
        tn = sum(not t and not d for t, d in zip(truth, predicted))
        fn = sum(t and not d for t, d in zip(truth, predicted))
        rows.append((tp, fp, tn, fn, tp / (tp + fp) if tp + fp else 0, tp / (tp + fn) if tp + fn else 0))
    values = [row[k] for k in range(6) for row in rows]
    tensor = tensor_pb2.TensorProto(dtype=1, tensor_shape=shape(6, count), float_val=values)
    content = plugin_data_pb2.PrCurvePluginData(version=0, num_thresholds=count).SerializeToString()
    return plugged(tag, tensor, "pr_curves", content)


def write(path):
    text = tensor_pb2.TensorProto(dtype=7, tensor_shape=shape(1), string_val=["    seed: 42\n    größe: 1".encode()])
    events = [
        event_pb2.Event(wall_time=1700000000.25, file_version="brain.Event:2"),
        event_pb2.Event(
            wall_time=1700000001.25,
            step=1,
            summary=summary_pb2.Summary(value=[scalar("head/loss", 0.625), scalar("head/learning_rate", 1e-3)]),
        ),
        event_pb2.Event(
            wall_time=1700000002.25, step=300, summary=summary_pb2.Summary(value=[scalar("head/loss", -0.0)])
        ),
        event_pb2.Event(
            wall_time=1700000003.25,
            summary=summary_pb2.Summary(
                value=[
                    precision_recall("test/hateful", [1, 0, 1, 0, 1], [0.9, 0.8, 0.5, 0.25, 0.1], 5),
                    plugged("recipe", text, "text"),
                ]
            ),
        ),
    ]
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())
        writer.flush()


def read(folder):
    events = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0}).Reload()
    tags = events.Tags()
    return {
        "scalars": {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]},
        "tensors": {
            tag: {
                "plugin": events.SummaryMetadata(tag).plugin_data.plugin_name,
                "shape": [d.size for d in events.Tensors(tag)[0].tensor_proto.tensor_shape.dim],
                "values": [
                    v.decode() if isinstance(v, bytes) else float(v)
                    for v in tensor_util.make_ndarray(events.Tensors(tag)[-1].tensor_proto).ravel().tolist()
                ],
                "count": len(events.Tensors(tag)),
            }
            for tag in tags["tensors"]
        },
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(read(sys.argv[1])))
    else:
        write(Path(__file__).with_name("events.tfevents"))
