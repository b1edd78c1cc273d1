using System.IO.Compression;
using System.Text;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Sound files with tensors that TorchSharp lacks, and files that are something else.</summary>
public sealed class OtherFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("F8_E4M3", "2,3", 6)]
    [InlineData("F8_E5M2", "6", 6)]
    [InlineData("F8_E8M0", "", 1)]
    [InlineData("F4", "3,2", 3)]
    [InlineData("F6_E2M3", "4", 3)]
    [InlineData("U16", "3", 6)]
    [InlineData("U32", "2", 8)]
    [InlineData("U64", "0,7", 0)]
    [InlineData("C64", "2", 16)]
    [InlineData("OF_2031", "5", 7)]
    public void A_tensor_of_a_dtype_that_TorchSharp_lacks_is_refused_alone(string dtype, string shape, int bytes)
    {
        string path = Write(Header(
            $$$"""{"odd":{"dtype":"{{{dtype}}}","shape":[{{{shape}}}],"data_offsets":[0,{{{bytes}}}]}"""
            + $$$""","even":{"dtype":"U8","shape":[1],"data_offsets":[{{{bytes}}},{{{bytes + 1}}}]}}""", bytes + 1));
        using SafeTensorsFile file = SafeTensors.Read(path);
        Assert.Equal(["odd", "even"], file.Names);
        using Tensor even = file.Load("even");
        SafeTensorsTests.Fault(() => file.Load("odd"), path, "'odd'", dtype, "F32");
    }

    [Theory]
    [InlineData("F8_E4M3", "2,3", 5)]
    [InlineData("C64", "2", 8)]
    [InlineData("F4", "3", 2)]
    [InlineData("U64", "2305843009213693952", 0)]
    [InlineData("F4", "4611686018427387904,8", 0)]
    public void A_size_that_does_not_go_with_such_a_dtype_is_a_fault_of_the_file(string dtype, string shape, int bytes)
    {
        string path = Write(Header($$$"""{"odd":{"dtype":"{{{dtype}}}","shape":[{{{shape}}}],"data_offsets":[0,{{{bytes}}}]}}""", bytes));
        SafeTensorsTests.Fault(() => SafeTensors.Read(path), path, "'odd'", "not a sound");
    }

    [Fact]
    public void A_model_is_told_which_of_its_tensors_has_such_a_dtype()
    {
        using var model = nn.Linear(1, 1, hasBias: false);
        string path = Write(Header("""{"weight":{"dtype":"F8_E4M3","shape":[1,1],"data_offsets":[0,1]}}""", 1));
        SafeTensorsTests.Fault(() => model.LoadSafeTensors(path), path, "'weight' is F8_E4M3", "Float32");
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull")]
    [InlineData("/annex/objects/SHA256E-s9--4d.safetensors\n", "git annex get")]
    [InlineData("<!DOCTYPE html><title>Sign in</title>", "web page")]
    [InlineData("{\"metadata\": {\"total_size\": 9}, \"weight_map\": {}}", "several files")]
    [InlineData("404: Not Found, sorry", "'404: Not Found, sorry'")]
    [InlineData("GGUF\u0003\0\0\0\u0001\0", "GGUF")]
    [InlineData("", "empty")]
    [InlineData("\0\0\0\0\0\0\0\0\0\0\0\0", "zeros")]
    public void A_file_of_another_kind_is_told_what_it_is(string content, string says)
    {
        string path = Write(Encoding.UTF8.GetBytes(content));
        SafeTensorsTests.Fault(() => SafeTensors.Read(path), path, "no safetensors file", says);
    }

    [Theory]
    [InlineData("archive/data.pkl", "torch.load")]
    [InlineData("model/data/0", "torch.jit.load")]
    [InlineData("weight.npy", "numpy.load")]
    [InlineData("readme.txt", "unpack")]
    public void A_zip_is_told_what_to_run_in_Python_or_to_be_unpacked(string entry, string says)
    {
        string path = _folder.New();
        using (ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            using Stream stream = zip.CreateEntry(entry).Open();
            stream.Write(new byte[100]);
        }

        SafeTensorsTests.Fault(() => SafeTensors.Read(path), path, says);
    }

    [Theory]
    [InlineData(new byte[] { 0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e }, "before 1.6")]
    [InlineData(new byte[] { 0x80, 4, 0x95, 11, 0, 0, 0, 0, 0, 0, 0, 0x7d }, "pickle")]
    [InlineData(new byte[] { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2 }, "gzip")]
    [InlineData(new byte[] { 0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0 }, "HDF5")]
    public void Binary_files_of_other_programs_too(byte[] content, string says) =>
        SafeTensorsTests.Fault(() => SafeTensors.Read(Write([.. content, .. new byte[700]])), "no safetensors file", says);

    [Fact]
    public void A_header_whose_length_begins_as_a_pickle_does_is_a_header()
    {
        string text = """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""".PadRight(0x280); // little-endian: 80 02
        using SafeTensorsFile file = SafeTensors.Read(Write(Header(text, 1)));
        Assert.Equal(["a"], file.Names);
        string path = Write(Header(text, 1)[..100]);
        SafeTensorsTests.Fault(() => SafeTensors.Read(path), path, "claims 640 bytes");
    }

    private static byte[] Header(string json, int dataBytes) =>
        [.. BitConverter.GetBytes((long)Encoding.UTF8.GetByteCount(json)), .. Encoding.UTF8.GetBytes(json), .. new byte[dataBytes]];

    private string Write(byte[] bytes)
    {
        string path = _folder.New();
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
