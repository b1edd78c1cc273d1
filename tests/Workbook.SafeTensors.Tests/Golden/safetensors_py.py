"""Reads and writes safetensors files (https://github.com/huggingface/safetensors, "Format") with the standard library
alone, apart from the C# code that it checks.

    python3 safetensors_py.py fixture safetensors_py.safetensors    writes the fixture
    python3 safetensors_py.py dump FILE                             prints what a file holds, as JSON
"""
import json
import struct
import sys

# Name of the format -> struct's letter and bytes of one element; bfloat16 is the upper half of a float32.
DTYPES = {"F64": ("d", 8), "F32": ("f", 4), "F16": ("e", 2), "BF16": ("H", 2), "I64": ("q", 8), "I32": ("i", 4),
          "I16": ("h", 2), "I8": ("b", 1), "U8": ("B", 1), "BOOL": ("?", 1)}


def count(shape):
    product = 1
    for length in shape:
        product *= length
    return product


def encode(dtype, values):
    if dtype == "BF16":  # exact for values that bfloat16 has
        return b"".join(struct.pack("<f", v)[2:] for v in values)
    return struct.pack(f"<{len(values)}{DTYPES[dtype][0]}", *values)


def decode(dtype, data):
    if dtype == "BF16":
        return [struct.unpack("<f", b"\0\0" + data[i:i + 2])[0] for i in range(0, len(data), 2)]
    letter, size = DTYPES[dtype]
    return list(struct.unpack(f"<{len(data) // size}{letter}", data))


def write(path, tensors, metadata=None):
    """tensors: name -> (dtype, shape, bytes), laid out in that order."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (dtype, shape, raw) in tensors.items():
        assert len(raw) == count(shape) * DTYPES[dtype][1], name
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def read(path):
    """(metadata, name -> (dtype, shape, bytes)); asserts what the format demands."""
    def once(pairs):
        assert len({name for name, _ in pairs}) == len(pairs), "a name stands twice"
        return dict(pairs)

    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack_from("<Q", content)
    assert (8 + length) % 8 == 0 and content[8:9] == b"{"
    header = json.loads(content[8:8 + length].decode(), object_pairs_hook=once)
    data = content[8 + length:]
    metadata = header.pop("__metadata__", {})
    tensors, spans = {}, []
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert end - begin == count(entry["shape"]) * DTYPES[entry["dtype"]][1], name
        spans.append((begin, end))
        tensors[name] = (entry["dtype"], entry["shape"], data[begin:end])
    reached = 0
    for begin, end in sorted(spans):
        assert begin == reached, "a hole or an overlap"
        reached = end
    assert reached == len(data)
    return metadata, tensors


def fixture(path):
    inf, nan = float("inf"), float("nan")
    floats = [0.0, -0.0, 1.0, -1.5, 0.09375, inf, -inf, nan]
    integers = {"I64": 64, "I32": 32, "I16": 16, "I8": 8}
    tensors = {dtype: (dtype, [2, 4], encode(dtype, floats)) for dtype in ("F64", "F32", "F16", "BF16")}
    for dtype, bits in integers.items():
        tensors[dtype] = (dtype, [5], encode(dtype, [0, 1, -1, 2 ** (bits - 1) - 1, -2 ** (bits - 1)]))
    tensors["U8"] = ("U8", [3], encode("U8", [0, 128, 255]))
    tensors["BOOL"] = ("BOOL", [3, 1], encode("BOOL", [True, False, True]))
    tensors["misaligned"] = ("F32", [1], encode("F32", [0.1]))  # begins within an element, as the format allows
    tensors["scalar"] = ("F32", [], encode("F32", [3.25]))
    tensors["empty"] = ("F32", [0, 3], b"")
    tensors["Gewicht ü 权重"] = ("I64", [1], encode("I64", [2 ** 53 + 1]))
    write(path, tensors, {"writer": "safetensors_py", "ü": "\n"})


def dump(path):
    metadata, tensors = read(path)
    print(json.dumps({"metadata": metadata, "tensors": {
        name: {"dtype": dtype, "shape": shape, "bytes": raw.hex(), "values": [repr(v) for v in decode(dtype, raw)]}
        for name, (dtype, shape, raw) in tensors.items()}}))


if __name__ == "__main__":
    {"fixture": fixture, "dump": dump}[sys.argv[1]](sys.argv[2])
