using CsCheck;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_read_is_what_was_written_bit_for_bit_in_order_with_its_metadata() =>
        Gen.Select(RandomTensors.Several, Gen.Dictionary(Gen.String, Gen.String)[0, 3]).Sample((contents, metadata) =>
        {
            metadata = metadata.Where(m => IsUnicode(m.Key + m.Value)).ToDictionary();
            string path = _folder.New();
            RandomTensors.Write(path, contents, metadata);
            using DisposeScope scope = NewDisposeScope();
            using SafeTensorsFile file = SafeTensors.Read(path);
            Assert.Equal(contents.Keys, file.Names);
            Assert.Equal(metadata.OrderBy(m => m.Key, StringComparer.Ordinal), file.Metadata.OrderBy(m => m.Key, StringComparer.Ordinal));
            Assert.All(contents, c => Assert.Equal(c.Value, Content.Of(file.Load(c.Key))));
        });

    [Fact]
    public void The_data_begin_on_a_multiple_of_8_and_every_tensor_on_one_of_its_elements() =>
        RandomTensors.Several.Sample(contents =>
        {
            string path = _folder.New();
            RandomTensors.Write(path, contents);
            using SafeTensorsFile file = SafeTensors.Read(path);
            Assert.Equal(0, BitConverter.ToInt64(File.ReadAllBytes(path)) % 8);
            Assert.All(file.Entries.Values, e => Assert.Equal(0, e.Begin % RandomTensors.Dtypes.First(d => d.Dtype == e.Dtype).Bytes));
        });

    [Fact]
    public void Transposed_sliced_and_learned_tensors_are_written_as_what_they_show()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor whole = arange(24, ScalarType.Float32).reshape(4, 6);
        Dictionary<string, Tensor> views = new()
        {
            ["transposed"] = whole.t(),
            ["sliced"] = whole.narrow(1, 2, 3).slice(0, 0, 4, 2),
            ["expanded"] = tensor(2.5f).expand(3, 2),
            ["parameter"] = new TorchSharp.Modules.Parameter(whole.clone()),
        };
        string path = _folder.New();
        SafeTensors.Write(path, views);
        using SafeTensorsFile file = SafeTensors.Read(path);
        Assert.All(views, v => Assert.Equal(Content.Of(v.Value), Content.Of(file.Load(v.Key))));
    }

    [Fact]
    public void A_loaded_tensor_outlives_its_file_and_changing_it_leaves_the_file_alone()
    {
        string path = _folder.New();
        using DisposeScope scope = NewDisposeScope();
        SafeTensors.Write(path, new Dictionary<string, Tensor> { ["x"] = tensor(new[] { 1f, 2f }) });
        byte[] before = File.ReadAllBytes(path);
        Tensor x;
        using (SafeTensorsFile file = SafeTensors.Read(path))
        {
            x = file.Load("x");
            x.add_(1);
            Assert.Equal([1f, 2f], file.Load("x").data<float>().ToArray());
        }

        Assert.Equal([2f, 3f], x.data<float>().ToArray());
        Assert.Equal(before, File.ReadAllBytes(path));
    }

    [Fact]
    public void A_tensor_that_the_file_lacks_is_told_with_those_it_has()
    {
        string path = _folder.New();
        RandomTensors.Write(path, [new("fc1.weight", new(ScalarType.Byte, [1], [7]))]);
        using SafeTensorsFile file = SafeTensors.Read(path);
        Fault(() => file.Load("fc9.weight"), "fc9.weight", "fc1.weight");
    }

    [Fact]
    public void A_name_that_stands_twice_or_a_dtype_of_another_kind_is_refused_and_nothing_is_written()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = ones(2);
        string path = _folder.New();
        Fault(() => SafeTensors.Write(path, [new("x", x), new("x", x)]), path, "'x'");
        Fault(() => SafeTensors.Write(path, [new("__metadata__", x)]), path, "__metadata__");
        Fault(() => SafeTensors.Write(path, [new("z", x.to(ScalarType.ComplexFloat32))]), path, "'z'", "Complex");
        Fault(() => SafeTensors.Write(path, [new("x", x), new("s", x.to_sparse())]), path, "'s'", "dense");
        Fault(() => SafeTensors.Write(path, [new("x\ud800", x)]), path, "Unicode");
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_path_that_cannot_be_written_is_told_and_leaves_nothing_behind()
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> x = new() { ["x"] = ones(2) };
        Fault(() => SafeTensors.Write(_folder.Path, x), _folder.Path, "is a folder");
        string nowhere = Path.Combine(_folder.Path, "nowhere", "x.safetensors");
        Fault(() => SafeTensors.Write(nowhere, x), nowhere, "no folder");
        string file = _folder.New();
        File.WriteAllText(file, "");
        Fault(() => SafeTensors.Write(Path.Combine(file, "x.safetensors"), x), "x.safetensors");
        Fault(() => SafeTensors.Write("", x));
        Fault(() => SafeTensors.Write("a\0b", x));
        Assert.Equal([file], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void An_earlier_file_stays_when_writing_fails_and_is_replaced_when_it_succeeds()
    {
        using DisposeScope scope = NewDisposeScope();
        string path = _folder.New();
        SafeTensors.Write(path, [new("x", ones(2))]);
        byte[] before = File.ReadAllBytes(path);
        Fault(() => SafeTensors.Write(path, [new("x", ones(1000)), new("s", ones(2).to_sparse())]), path);
        Assert.Equal(before, File.ReadAllBytes(path));
        SafeTensors.Write(path, [new("y", zeros(1))]);
        using SafeTensorsFile file = SafeTensors.Read(path);
        Assert.Equal(["y"], file.Names);
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
    }

    internal static void Fault(Action action, params string[] says)
    {
        WorkbookException fault = Assert.Throws<WorkbookException>(action);
        Assert.DoesNotContain('\n', fault.Message);
        Assert.All(says, word => Assert.Contains(word, fault.Message));
    }

    private static bool IsUnicode(string text) => !text.EnumerateRunes().Contains(System.Text.Rune.ReplacementChar);
}
