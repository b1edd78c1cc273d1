using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using CsCheck;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Our files against a reader and writer of the format in Python, which shares no line with ours.</summary>
public sealed class SafeTensorsPythonTests
{
    [Fact]
    public void What_Python_wrote_is_read_bit_for_bit()
    {
        using DisposeScope scope = NewDisposeScope();
        using SafeTensorsFile file = SafeTensors.Read(Beside("safetensors_py.safetensors"));
        double[] floats = [0, -0.0, 1, -1.5, 0.09375, double.PositiveInfinity, double.NegativeInfinity, double.NaN];
        foreach ((ScalarType dtype, string name, _) in RandomTensors.Dtypes.Where(d => is_floating_point(d.Dtype)))
        {
            Assert.Equal((dtype, "2,4"), (file.Load(name).dtype, string.Join(',', file.Load(name).shape)));
            double[] values = file.Load(name).to(ScalarType.Float64).data<double>().ToArray();
            Assert.Equal(floats.Select(Bits), values.Select(Bits));
        }

        Assert.Equal([0, 1, -1, long.MaxValue, long.MinValue], file.Load("I64").data<long>().ToArray());
        Assert.Equal([0, 1, -1, int.MaxValue, int.MinValue], file.Load("I32").data<int>().ToArray());
        Assert.Equal([0, 1, -1, short.MaxValue, short.MinValue], file.Load("I16").data<short>().ToArray());
        Assert.Equal([0, 1, -1, sbyte.MaxValue, sbyte.MinValue], file.Load("I8").data<sbyte>().ToArray());
        Assert.Equal([0, 128, 255], file.Load("U8").data<byte>().ToArray());
        Assert.Equal([true, false, true], file.Load("BOOL").data<bool>().ToArray());
        Assert.Equal([0.1f], file.Load("misaligned").data<float>().ToArray());
        Assert.Equal((3.25f, 0L), (file.Load("scalar").item<float>(), file.Load("scalar").dim()));
        Assert.Equal([0, 3], file.Load("empty").shape);
        Assert.Equal((1L << 53) + 1, file.Load("Gewicht ü 权重").item<long>());
        Assert.Equal("\n", file.Metadata["ü"]);
        Assert.Equal(14, file.Names.Count);
    }

    [Fact]
    public void What_we_write_Python_reads_bit_for_bit()
    {
        Assert.SkipUnless(HasPython(), "there is no python3 on this machine to read the files that we write");
        using TemporaryFolder folder = new();
        string path = folder.New();
        Dictionary<string, string> metadata = new() { ["ü"] = "\"\n" };
        Gen.Select(RandomTensors.Several, RandomTensors.One, RandomTensors.One).Sample((contents, scalar, empty) =>
        {
            contents["scalar 权重"] = scalar with { Shape = [], Bytes = new byte[RandomTensors.Dtypes.First(d => d.Dtype == scalar.Dtype).Bytes] };
            contents["empty"] = empty with { Shape = [3, 0], Bytes = [] };
            foreach ((ScalarType dtype, string name, int bytes) in RandomTensors.Dtypes)
            {
                contents[$"all {name}"] = new(dtype, [3], [.. Enumerable.Range(0, 3 * bytes).Select(i => (byte)(dtype == ScalarType.Bool ? i % 2 : 37 * i))]);
            }

            RandomTensors.Write(path, contents, metadata);
            JsonElement read = Python(Beside("safetensors_py.py"), "dump", path);
            Assert.Equal(metadata, read.GetProperty("metadata").Deserialize<Dictionary<string, string>>());
            JsonElement tensors = read.GetProperty("tensors");
            Assert.Equal(contents.Keys, tensors.EnumerateObject().Select(t => t.Name));
            foreach ((string name, Content content) in contents)
            {
                JsonElement tensor = tensors.GetProperty(name);
                Assert.Equal(RandomTensors.Dtypes.First(d => d.Dtype == content.Dtype).Name, tensor.GetProperty("dtype").GetString());
                Assert.Equal(content.Shape, tensor.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()));
                Assert.Equal(Convert.ToHexStringLower(content.Bytes), tensor.GetProperty("bytes").GetString());
            }
        }, iter: 5, threads: 1);
    }

    [Fact]
    public void A_LeNet_5_of_PyTorch_gives_the_same_logits_here()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using LeNet5 model = LeNet5.Classic(0);
        model.LoadSafeTensors(Beside("torch_lenet5.safetensors"));
        using SafeTensorsFile examples = SafeTensors.Read(Beside("torch_lenet5_examples.safetensors"));
        Tensor logits = model.forward(examples.Load("inputs").to(ScalarType.Float32)), known = examples.Load("logits");
        Assert.Equal(known.shape, logits.shape);
        Assert.InRange((logits - known).abs().max().item<float>(), 0, 1e-5f);
    }

    private static string Beside(string name) => Path.Combine(AppContext.BaseDirectory, name);

    /// <summary>Tells 0 from -0; one NaN is as good as another, since conversions may change it.</summary>
    private static long Bits(double value) => BitConverter.DoubleToInt64Bits(double.IsNaN(value) ? double.NaN : value);

    private static JsonElement Python(params string[] arguments)
    {
        ProcessStartInfo start = new("python3", ["-B", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
        return JsonDocument.Parse(output).RootElement;
    }

    private static bool HasPython()
    {
        try
        {
            using Process process = Process.Start(
                new ProcessStartInfo("python3", "--version") { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
