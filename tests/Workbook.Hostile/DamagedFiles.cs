using TorchSharp;
using Workbook.Tests;
using static TorchSharp.torch;

namespace Workbook.Hostile;

/// <summary>Files of every format that is read, with changes in them: each is read, or refused in one line.</summary>
internal sealed class DamagedFiles : Attack
{
    private readonly (string Name, byte[] Valid, Action<string> Read)[] _formats;

    public DamagedFiles(string folder)
    {
        using DisposeScope scope = NewDisposeScope();
        using LeNet300100 network = new(0);
        Dictionary<string, Tensor> tensors = new()
        {
            ["a.weight"] = arange(0, 24, ScalarType.Float32).view(4, 6),
            ["a.bias"] = arange(0, 4, ScalarType.Float16),
            ["kept"] = tensor(new[] { true, false, true }),
            ["count"] = tensor(7L),
        };
        string path = Path.Combine(folder, "valid");
        SafeTensors.Write(path, tensors, new Dictionary<string, string> { ["by"] = "a test" });
        byte[] model = File.ReadAllBytes(path);
        Mask mask = new([KeyValuePair.Create("a.weight", tensors["a.weight"].gt(tensor(5f)))]);
        mask.Save(path);
        byte[] saved = File.ReadAllBytes(path);
        byte[] images = SmallSet.Images(5, 1), labels = SmallSet.Labels(5);
        _formats =
        [
            ("safetensors", model, ReadAll),
            ("mask", saved, file => Mask.Load(file)),
            ("images", images, file => Idx.ReadImages(file)),
            ("images.gz", SmallSet.Gzip(images), file => Idx.ReadImages(file)),
            ("labels", labels, file => Idx.ReadLabels(file)),
            ("labels.gz", SmallSet.Gzip(labels), file => Idx.ReadLabels(file)),
        ];
    }

    public override int Share => 2;

    public override string? Try(Random random, string folder)
    {
        (string name, byte[] valid, Action<string> read) = _formats[random.Next(_formats.Length)];
        string path = Path.Combine(folder, name);
        File.WriteAllBytes(path, Damage.Bytes(random, valid));
        using DisposeScope scope = NewDisposeScope();
        try
        {
            read(path);
            return null;
        }
        catch (WorkbookException e)
        {
            return FaultOf(e.Message) is { } fault ? $"{name}: {fault}" : e.Message.Contains(name, StringComparison.Ordinal) ? null
                : $"{name}: the message does not name the file: {e.Message}";
        }
    }

    private static void ReadAll(string path)
    {
        using SafeTensorsFile file = SafeTensors.Read(path);
        foreach (string name in file.Names)
        {
            file.Load(name);
        }
    }
}
