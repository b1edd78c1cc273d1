using CsCheck;
using Google.Protobuf;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Initializers and nodes are read as they are; no file ends in anything but one line.</summary>
public sealed class OnnxFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Initializers_come_back_in_every_way_that_they_are_kept()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor raw = randn(2, 3), whole = arange(4, ScalarType.Int64);
        OnnxFile file = Read(new OnnxWriter().Raw("a.weight", raw).Raw("half", raw.to(ScalarType.Float16), type: 10).Raw("scalar", ones(1), shape: [])
            .Tensor("floats", [3], 1, m =>
            {
                m.WriteTag(4, WireFormat.WireType.LengthDelimited);
                m.WriteLength(3 * sizeof(float));
                foreach (float x in (float[])[1.5f, -2f, 3f])
                {
                    m.WriteFloat(x);
                }
            })
            .Tensor("whole", [4], 7, m =>
            {
                foreach (long x in whole.data<long>())
                {
                    m.WriteTag(7, WireFormat.WireType.Varint);
                    m.WriteInt64(x);
                }
            }).Node("Relu", ["x"], "y"));
        Assert.Equal(["a.weight", "half", "scalar", "floats", "whole"], file.Names);
        Assert.True(file.Load("a.weight").equal(raw).all().item<bool>());
        Assert.Equal(ScalarType.Float16, file.Load("half").dtype);
        Assert.Empty(file.Load("scalar").shape);
        Assert.Equal([1.5f, -2f, 3f], file.Load("floats").data<float>().ToArray());
        Assert.Equal([0, 1, 2, 3], file.Load("whole").data<long>().ToArray());
        Assert.Equal([2, 3], file.ShapeOf("a.weight"));
        Assert.Equal(("Relu", "x", "y"), (file.Nodes[0].OpType, file.Nodes[0].Inputs[0], file.Nodes[0].Outputs[0]));
    }

    [Fact]
    public void A_matrix_without_a_name_takes_that_of_the_bias_that_is_added_next()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor matrix = randn(3, 2);
        OnnxFile file = Read(new OnnxWriter().Raw("12", matrix).Raw("fc.bias", randn(2))
            .Node("MatMul", ["x", "12"], "13").Node("Add", ["13", "fc.bias"], "14"));
        Assert.True(file.ByPyTorchNames()["fc.weight"]().equal(matrix.t()).all().item<bool>());
    }

    public static TheoryData<string, OnnxWriterCase> Wrong => new()
    {
        { "external data", new(w => w.Tensor("w.weight", [2], 1, m => { m.WriteTag(14, WireFormat.WireType.Varint); m.WriteInt32(1); })) },
        { "is quantized", new(w => w.Raw("w.weight", ones(2)).Node("DynamicQuantizeLinear", ["x"], "y")) },
        { "is quantized", new(w => w.Raw("w.weight", ones(2)).Node("MatMulInteger", ["x", "z"], "y")) },
        { "two initializers 'w'", new(w => w.Raw("w", ones(2)).Raw("w", ones(2))) },
        { "impossible shape [-2]", new(w => w.Raw("w", ones(2), shape: [-2])) },
        { "impossible shape", new(w => w.Raw("w", ones(2), shape: [1L << 40, 1L << 40])) },
        { "has 8 bytes instead of 12", new(w => w.Raw("w.weight", ones(2), shape: [3])) },
        { "type 8", new(w => w.Raw("w.weight", ones(2), type: 8)) },
        { "no initializers", new(w => w.Node("Relu", ["x"], "y")) },
        { "two matrices before the bias", new(w => w.Raw("1", ones(2, 2)).Raw("2", ones(2, 2)).Raw("f.bias", ones(2)).Node("MatMul", ["x", "1"], "a")
            .Node("MatMul", ["x", "2"], "b").Node("Add", ["a", "f.bias"], "c").Node("Add", ["b", "f.bias"], "d")) },
    };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void What_can_not_be_used_says_why(string fault, OnnxWriterCase file)
    {
        using DisposeScope scope = NewDisposeScope();
        string message = Assert.Throws<WorkbookException>(() => LoadAll(Write(file.Of(new OnnxWriter())))).Message;
        Assert.Contains(fault, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html><body>not found</body></html>")]
    [InlineData("version https://git-lfs.github.com/spec/v1")]
    public void Other_files_say_that_they_are_none(string content)
    {
        string path = Path.Combine(_folder.Path, "model.onnx");
        File.WriteAllText(path, content);
        Assert.Contains("ONNX file", Assert.Throws<WorkbookException>(() => OnnxFile.Read(path)).Message, StringComparison.Ordinal);
        Assert.Contains("no such file", Assert.Throws<WorkbookException>(() => OnnxFile.Read(path + "x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_cut_anywhere_or_damaged_ends_in_one_line_or_is_read()
    {
        using DisposeScope scope = NewDisposeScope();
        byte[] sound = OnnxWriter.Of(new BertEncoder(1, words: 5, length: 4, width: 8, depth: 1, heads: 2, classes: null)).ToBytes();
        Gen.Select(Gen.Int[0, sound.Length - 1], Gen.Int[0, sound.Length - 1], Gen.Byte, Gen.Bool).Sample((length, at, value, cut) =>
        {
            byte[] bytes = cut ? sound[..length] : [.. sound];
            if (bytes.Length > 0)
            {
                bytes[Math.Min(at, bytes.Length - 1)] = value;
            }

            try
            {
                LoadAll(Write(bytes));
            }
            catch (WorkbookException e)
            {
                Assert.DoesNotContain('\n', e.Message);
            }
        }, iter: 2000, threads: 1);
    }

    /// <summary>A named way of writing a file.</summary>
    public sealed class OnnxWriterCase
    {
        private readonly Action<OnnxWriter> _write;

        internal OnnxWriterCase(Action<OnnxWriter> write) => _write = write;

        internal byte[] Of(OnnxWriter writer)
        {
            _write(writer);
            return writer.ToBytes();
        }
    }

    private static void LoadAll(string path)
    {
        using DisposeScope scope = NewDisposeScope();
        OnnxFile file = OnnxFile.Read(path);
        foreach (Func<Tensor> load in file.ByPyTorchNames().Values.Concat(file.Names.Select(name => (Func<Tensor>)(() => file.Load(name)))))
        {
            load();
        }
    }

    private OnnxFile Read(OnnxWriter writer) => OnnxFile.Read(Write(writer.ToBytes()));

    private string Write(byte[] bytes)
    {
        string path = Path.Combine(_folder.Path, "model.onnx");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
