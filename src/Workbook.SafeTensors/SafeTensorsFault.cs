using System.Text;

namespace Workbook;

/// <summary>Messages about files: names in them come from outside and may hold anything.</summary>
internal static class SafeTensorsFault
{
    private const int LongestName = 80, NamesShown = 5, LongestStart = 512;

    // A reader of pickles would be a second interpreter here; PyTorch has its own, which runs no code with weights_only.
    private const string SaveFromPython = "safetensors.torch.save_file({k: v.clone().contiguous() for k, v in d.items()}, \"model.safetensors\")";
    private const string FromPython = "save its tensors in Python: import torch, safetensors.torch; "
        + "d = torch.load(FILE, map_location=\"cpu\", weights_only=True); d = d.get(\"state_dict\", d); " + SaveFromPython;

    /// <summary>How files begin that are taken for safetensors files, what they are, and what to do.</summary>
    private static readonly (byte[] Start, string What)[] s_others =
    [
        (Encoding.ASCII.GetBytes("version https://git-lfs"),
            "a pointer of Git LFS that stands for the file: run 'git lfs pull' where it was cloned, or download the file itself"),
        (Encoding.ASCII.GetBytes("/annex/objects/"), "a pointer of git-annex that stands for the file: run 'git annex get' where it was cloned"),
        (Encoding.ASCII.GetBytes("../.git/annex/objects/"), "a pointer of git-annex that stands for the file: run 'git annex get' where it was cloned"),
        ([0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19], $"a file of PyTorch's before 1.6 (a pickle): {FromPython}"),
        ([0x80, 2], $"a Python pickle: {FromPython}"),
        ([0x80, 3], $"a Python pickle: {FromPython}"),
        ([0x80, 4], $"a Python pickle: {FromPython}"),
        ([0x80, 5], $"a Python pickle: {FromPython}"),
        ([0x89, (byte)'H', (byte)'D', (byte)'F'],
            "an HDF5 file (Keras's .h5, .keras): read it with h5py in Python and save its arrays with safetensors.numpy.save_file"),
        ([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'],
            "a NumPy array: save it in Python, with safetensors.numpy.save_file({\"name\": numpy.load(FILE)}, \"model.safetensors\")"),
        (Encoding.ASCII.GetBytes("GGUF"), "a GGUF file of llama.cpp: get the model as safetensors"),
        ([0x1f, 0x8b], "compressed (gzip): unpack it first"),
        ([0x28, 0xb5, 0x2f, 0xfd], "compressed (zstd): unpack it first"),
        ([0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z'], "compressed (xz): unpack it first"),
        (Encoding.ASCII.GetBytes("BZh"), "compressed (bzip2): unpack it first"),
        ([(byte)'7', (byte)'z', 0xbc, 0xaf], "a 7z archive: unpack it first"),
        (Encoding.ASCII.GetBytes("<"), "a web page or other markup, perhaps what a server answered instead of the file: download the file itself"),
    ];

    private static readonly System.Buffers.SearchValues<byte> s_printable =
        System.Buffers.SearchValues.Create([(byte)'\t', (byte)'\n', (byte)'\r', .. Enumerable.Range(' ', 95).Select(c => (byte)c)]);

    /// <summary>A fault of a file that can't be used as it is.</summary>
    internal static WorkbookException Of(string path, string what, Exception? inner = null) =>
        new($"{path} is not a sound safetensors file: {what}; write or fetch it again", inner);

    /// <inheritdoc cref="Of(string, string, Exception?)"/>
    internal static WorkbookException Of(string path, InvariantText what, Exception? inner = null) => Of(path, what.ToString(), inner);

    /// <summary>What a file that does not begin as the format demands really is; null where nobody knows.</summary>
    /// <param name="path">The file, for the message.</param>
    /// <param name="file">The open file.</param>
    internal static WorkbookException? OfOtherKind(string path, Stream file)
    {
        byte[] start = new byte[Math.Min(LongestStart, file.Length)];
        file.Position = 0;
        file.ReadExactly(start);
        string? what = WhatBegins(start);
        return what is null ? null : new($"{path} is no safetensors file, it is {what}");
    }

    private static string? WhatBegins(ReadOnlySpan<byte> start)
    {
        if (start.Length <= sizeof(long))
        {
            return start.IsEmpty ? "empty: write or fetch it again" : null;
        }

        foreach ((byte[] magic, string what) in s_others)
        {
            if (start.StartsWith(magic))
            {
                return what;
            }
        }

        return start.StartsWith("PK\u0003\u0004"u8) ? OfZip(start)
            : !start.ContainsAnyExcept((byte)0) ? "nothing but zeros, at least in the beginning: its download broke off, fetch it again"
            : start.ContainsAnyExcept(s_printable) ? null
            : start.TrimStart(" \t\r\n"u8).StartsWith("{"u8) ? "JSON, such as the index of a model in several files: read the .safetensors files that it names"
            : $"text that begins with {Quoted(Encoding.ASCII.GetString(start[..Math.Min(start.Length, 40)]))}: fetch the file itself";
    }

    private static string OfZip(ReadOnlySpan<byte> start) =>
        start.IndexOf(".npy"u8) >= 0 ? "NumPy's .npz: save it in Python, with safetensors.numpy.save_file(dict(numpy.load(FILE)), \"model.safetensors\")"
        : start.IndexOf("/data.pkl"u8) >= 0 ? $"a checkpoint of PyTorch's (.pt, .pth, .bin): {FromPython}"
        : start.IndexOf("/data/"u8) >= 0 || start.IndexOf("/code/"u8) >= 0
            ? $"a TorchScript: save its tensors in Python: import torch, safetensors.torch; d = torch.jit.load(FILE, "
                + $"map_location=\"cpu\").state_dict(); {SaveFromPython}"
        : "a zip archive: unpack it first";

    internal static string Quoted(string name) => $"'{Short(name, LongestName)}'";

    internal static string Short(string text, int longest) => text.Length > longest ? text[..longest] + "…" : text;

    internal static string List(IReadOnlyCollection<string> names) => names.Count == 0 ? "nothing"
        : string.Join(", ", names.Take(NamesShown).Select(Quoted)) + (names.Count > NamesShown ? $" and {names.Count - NamesShown} more" : "");

    internal static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
