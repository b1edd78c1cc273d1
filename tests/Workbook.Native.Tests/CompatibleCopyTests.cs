using CsCheck;
using Workbook.Native;
using Xunit;

namespace Workbook.Tests;

/// <summary>On the real LibTorchSharp of the package; other systems have no ELF files to mend.</summary>
public sealed class CompatibleCopyTests : IDisposable
{
    private static readonly string s_source = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
    private static readonly byte[] s_bytes = File.ReadAllBytes(s_source);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("workbook-native-");

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>All that the file needs, less the versions from one on.</summary>
    private static string[] SystemWith(int newest) =>
        [.. new ElfImage(s_bytes).NeededVersions().Where(n => n.File == CompatibleCopy.Library).Select(n => n.Version)
            .Where(v => !v.StartsWith("GLIBCXX_3.4.", StringComparison.Ordinal) || int.Parse(v["GLIBCXX_3.4.".Length..]) <= newest)];

    [Fact]
    public void A_system_that_has_every_version_loads_the_file_itself() =>
        Assert.Equal(s_source, CompatibleCopy.For(s_source, SystemWith(32), [_folder.FullName]));

    [Theory]
    [InlineData(30)]
    [InlineData(31)]
    public void A_system_without_3_4_32_gets_a_copy_in_which_one_flag_differs(int newest)
    {
        string copy = CompatibleCopy.For(s_source, SystemWith(newest), [_folder.FullName]);

        byte[] patched = File.ReadAllBytes(copy);
        int at = Assert.Single(Enumerable.Range(0, s_bytes.Length), i => s_bytes[i] != patched[i]);
        Assert.Equal(s_bytes[at] | 2, patched[at]);
        Assert.Equal([CompatibleCopy.Newest], new ElfImage(patched).NeededVersions().Where(n => n.IsWeak).Select(n => n.Version));
        Assert.Single(Directory.GetFiles(_folder.FullName, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void A_copy_that_already_needs_it_weakly_is_left_as_it_is()
    {
        string copy = CompatibleCopy.For(s_source, SystemWith(30), [_folder.FullName]);
        Assert.Equal(copy, CompatibleCopy.For(copy, SystemWith(30), [_folder.FullName]));
    }

    [Fact]
    public void A_damaged_copy_is_made_anew()
    {
        string copy = CompatibleCopy.For(s_source, SystemWith(30), [_folder.FullName]);
        byte[] good = File.ReadAllBytes(copy);
        File.WriteAllBytes(copy, good[..1000]);
        Assert.Equal(good, File.ReadAllBytes(CompatibleCopy.For(s_source, SystemWith(30), [_folder.FullName])));
    }

    [Fact]
    public void A_system_that_is_too_old_is_told_what_to_use()
    {
        var e = Assert.Throws<WorkbookException>(() => CompatibleCopy.For(s_source, SystemWith(29), [_folder.FullName]));
        Assert.Contains("lacks GLIBCXX_3.4.30", e.Message);
        Assert.Contains("container", e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void Any_truncation_or_flipped_byte_ends_in_one_line_or_a_copy()
    {
        string damaged = Path.Combine(_folder.FullName, "damaged.so");
        Gen.Int[0, s_bytes.Length - 1].Select(Gen.Int[0, 0x3fb00], Gen.Byte, Gen.Bool).Sample((length, at, value, cut) =>
        {
            byte[] bytes = cut ? s_bytes[..length] : (byte[])s_bytes.Clone();
            if (!cut)
            {
                bytes[at] = value;
            }

            File.WriteAllBytes(damaged, bytes);
            try
            {
                CompatibleCopy.For(damaged, SystemWith(30), [_folder.FullName]);
            }
            catch (WorkbookException e)
            {
                Assert.DoesNotContain('\n', e.Message);
            }
        }, iter: 200, threads: 1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(4096)]
    public void A_truncated_file_is_named_as_damaged(int length)
    {
        string truncated = Path.Combine(_folder.FullName, "truncated.so");
        File.WriteAllBytes(truncated, s_bytes[..length]);
        var e = Assert.Throws<WorkbookException>(() => CompatibleCopy.For(truncated, SystemWith(30), [_folder.FullName]));
        Assert.Contains("truncated.so is damaged", e.Message);
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_passed_over_and_none_at_all_is_said()
    {
        string aFile = Path.Combine(_folder.FullName, "file");
        File.WriteAllText(aFile, "");
        string readOnly = OperatingSystem.IsLinux() ? "/proc/self" : aFile; // refuses even the superuser

        string copy = CompatibleCopy.For(s_source, SystemWith(30), [readOnly, aFile, _folder.FullName]);
        Assert.StartsWith(_folder.FullName, copy);

        var e = Assert.Throws<WorkbookException>(() => CompatibleCopy.For(s_source, SystemWith(30), [readOnly, aFile]));
        Assert.Contains("WORKBOOK_CACHE", e.Message);
    }

    [Fact]
    public void Many_at_once_get_the_same_whole_copy()
    {
        string[] copies = [.. Enumerable.Range(0, 16).AsParallel().WithDegreeOfParallelism(16)
            .Select(_ => CompatibleCopy.For(s_source, SystemWith(30), [_folder.FullName]))];
        Assert.Single(copies.Distinct());
        Assert.Equal(s_bytes.Length, new FileInfo(copies[0]).Length);
        Assert.Single(Directory.GetFiles(_folder.FullName, "*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("linux-arm64", "--platform=linux/amd64")]
    [InlineData("osx-x64", "macOS on arm64")]
    public void A_system_without_natives_is_told_what_to_do(string rid, string remedy) =>
        Assert.Contains(remedy, Assert.Throws<WorkbookException>(() => Libtorch.RefuseForeignSystems(rid)).Message);

    [Fact]
    public void The_first_tensor_works_and_lies_in_no_bin_folder()
    {
        Libtorch.Load();
        Assert.Equal(6, TorchSharp.torch.tensor(new float[] { 1, 2, 3 }).sum().item<float>());
        Assert.DoesNotContain(AppContext.BaseDirectory, Libtorch.Folder);
    }
}
