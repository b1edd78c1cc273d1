using System.Buffers.Binary;
using System.Text;
using CsCheck;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>No file crashes the process, costs memory that it merely claims, or ends in anything but one line.</summary>
public sealed class BadFilesTests : IDisposable
{
    private const string Sound = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, null)]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   """, 8, null)]
    [InlineData("{}", 0, null)]
    [InlineData("""{"__metadata__":{"k":"v"}}""", 0, null)]
    [InlineData(Sound, 9, null)]
    [InlineData(Sound, 8, "cut short")]
    [InlineData(Sound, 10, "belong to none")]
    [InlineData("", 0, "'{'")]
    [InlineData(" {}", 0, "'{'")]
    [InlineData("[]", 0, "'{'")]
    [InlineData("{nonsense", 0, "not valid JSON")]
    [InlineData("{} {}", 0, "not valid JSON")]
    [InlineData("""{"a\ud800":{}}""", 0, "not valid JSON")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "uplicate")]
    [InlineData("""{"a":1}""", 0, "'a'")]
    [InlineData("""{"a\nb":{}}""", 0, "'a b'")]
    [InlineData("""{"a":{"dtype":4,"shape":[],"data_offsets":[0,4]}}""", 4, "'a'")]
    [InlineData("""{"a":{"dtype":"F31","shape":[],"data_offsets":[4,0]}}""", 4, "give -4")]
    [InlineData("""{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", 8, "'a'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,10]}}""", 10, "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", 8, "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}""", 8, "two data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", 8, "two data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "needs 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}}""", 7, "needs 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", 8, "cut short")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", 16, "hole of 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[250000000000000],"data_offsets":[0,1000000000000000]}}""", 8, "cut short")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "counted")]
    [InlineData("""{"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "counted")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,0]}}""", 0, "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "overlaps")]
    [InlineData("""{"__metadata__":{"k":1}}""", 0, "__metadata__")]
    [InlineData("""{"__metadata__":"k"}""", 0, "__metadata__")]
    public void Headers(string header, int data, string? fault)
    {
        string path = Write(Of(header, new byte[data]));
        if (fault is null)
        {
            SafeTensors.Read(path).Dispose();
        }
        else
        {
            SafeTensorsTests.Fault(() => SafeTensors.Read(path), path, fault);
        }
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(3L)]
    [InlineData(90_000_000L)]
    [InlineData(100_000_001L)]
    [InlineData(long.MaxValue)]
    [InlineData(-1L)]
    public void A_header_longer_than_the_file_costs_no_memory(long claimed)
    {
        byte[] bytes = Of(Sound, new byte[9]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes, claimed);
        string path = Write(bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        SafeTensorsTests.Fault(() => SafeTensors.Read(path), path);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2_000_000);
    }

    [Fact]
    public void Files_that_are_not_there_folders_and_files_without_a_header()
    {
        SafeTensorsTests.Fault(() => SafeTensors.Read(_folder.New()), _folder.Path);
        SafeTensorsTests.Fault(() => SafeTensors.Read(_folder.Path), "is a folder");
        SafeTensorsTests.Fault(() => SafeTensors.Read(""));
        string path = Write([1, 2, 3]);
        SafeTensorsTests.Fault(() => SafeTensors.Read(path), path, "3 bytes");
    }

    [Fact]
    public void A_bool_that_is_neither_0_nor_1_is_refused_and_more_than_64_dimensions_load_or_are_refused()
    {
        string path = Write(Of("""{"a":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}""", [0, 1, 2]));
        using SafeTensorsFile file = SafeTensors.Read(path);
        SafeTensorsTests.Fault(() => file.Load("a"), path, "bool");
        string ones = string.Join(",", Enumerable.Repeat("1", 10_000));
        Assert.True(LoadsOrFaults(Of($$$"""{"a":{"dtype":"U8","shape":[{{{ones}}}],"data_offsets":[0,1]}}""", [5])));
    }

    [Fact]
    public void A_file_that_another_program_cuts_short_while_it_is_open_does_not_end_the_process()
    {
        string path = Write(Of("""{"a":{"dtype":"U8","shape":[100000],"data_offsets":[0,100000]}}""", new byte[100_000]));
        using SafeTensorsFile file = SafeTensors.Read(path);
        void Cut()
        {
            using FileStream other = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            other.SetLength(100);
        }

        if (OperatingSystem.IsWindows())
        {
            Assert.ThrowsAny<IOException>(Cut);
            return;
        }

        Cut();
        SafeTensorsTests.Fault(() => file.Load("a"), path, "while it was open");
    }

    [Fact]
    public void Every_truncation_is_noticed()
    {
        byte[] whole = Of(Sound, new byte[9]);
        Assert.True(LoadsOrFaults(whole));
        Assert.All(Enumerable.Range(0, whole.Length), length => SafeTensorsTests.Fault(() => SafeTensors.Read(Write(whole[..length]))));
    }

    [Fact]
    public void Random_bytes() => Gen.Byte.Array[0, 200].Sample(LoadsOrFaults);

    [Fact]
    public void Random_bytes_after_a_length_that_fits() =>
        Gen.Byte.Array[0, 200].Select(bytes => Of("{" + Encoding.Latin1.GetString(bytes), bytes)).Sample(LoadsOrFaults);

    [Fact]
    public void Sound_files_with_a_few_bytes_changed() =>
        (from contents in RandomTensors.Several
         from changes in Gen.Select(Gen.Int[0, 10_000], Gen.OneOf(Gen.Byte, Gen.OneOf("0123456789-.,:[]{}\"\\e "u8.ToArray()))).Array[1, 6]
         select (contents, changes)).Sample(sample =>
         {
             string path = _folder.New();
             RandomTensors.Write(path, sample.contents);
             byte[] bytes = File.ReadAllBytes(path);
             foreach ((int at, byte value) in sample.changes)
             {
                 bytes[at % bytes.Length] = value;
             }

             return LoadsOrFaults(bytes);
         });

    [Fact]
    public void Headers_of_plausible_parts_in_any_combination()
    {
        Gen<string> number = Gen.OneOf(Gen.Int[0, 9].Select(n => $"{n}"),
            Gen.OneOf("-1", "1e2", "0.5", "null", "4294967296", "9223372036854775807", "18446744073709551615", "\"1\""));
        Gen<string> array = number.Array[0, 3].Select(n => $"[{string.Join(',', n)}]");
        Gen<string> entry = Gen.Select(Gen.OneOf("\"F32\"", "\"BOOL\"", "\"BF16\"", "\"C64\"", "\"F4\"", "\"F31\"", "7"), array, array)
            .Select((dtype, shape, offsets) => $$"""{"dtype":{{dtype}},"shape":{{shape}},"data_offsets":{{offsets}}}""");
        Gen<string> header = Gen.Select(Gen.OneOf("a", "b", "__metadata__"), Gen.OneOf(entry, entry, array)).Select((name, value) => $"\"{name}\":{value}")
            .Array[0, 3].Select(all => $"{{{string.Join(',', all)}}}");
        Gen.Select(header, Gen.Byte.Array[0, 20]).Sample((text, data) => LoadsOrFaults(Of(text, data)), iter: 1000);
    }

    private bool LoadsOrFaults(byte[] bytes)
    {
        string path = Write(bytes);
        using DisposeScope scope = NewDisposeScope();
        try
        {
            using SafeTensorsFile file = SafeTensors.Read(path);
            return file.Names.Sum(name => Content.Of(file.Load(name)).Bytes.Length) <= bytes.Length;
        }
        catch (WorkbookException e)
        {
            return e.Message.Contains(path, StringComparison.Ordinal) && !e.Message.Any(char.IsControl) && e.Message.Length < 1000;
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static byte[] Of(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)json.Length), .. json, .. data];
    }

    private string Write(byte[] bytes)
    {
        string path = _folder.New();
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
