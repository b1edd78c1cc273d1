using Xunit;

namespace Workbook.Tests;

public sealed class StoreFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workbook-runs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_store_of_another_version_is_left_alone()
    {
        File.WriteAllText(Path.Combine(_folder, "store.json"), """{ "format": 3 }""");
        Assert.Contains("another version", Assert.Throws<WorkbookException>(() => RunStore.Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_other_things_is_no_store()
    {
        File.WriteAllText(Path.Combine(_folder, "thesis.tex"), "");
        Assert.Contains("holds other things", Assert.Throws<WorkbookException>(() => RunStore.Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_is_no_store()
    {
        string path = Path.Combine(_folder, "file");
        File.WriteAllText(path, "");
        Assert.Contains("is a file", Assert.Throws<WorkbookException>(() => RunStore.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_store_that_is_not_there_yet_is_empty_and_is_not_made()
    {
        string path = Path.Combine(_folder, "new");
        Assert.Empty(RunStore.Open(path).List());
        Assert.False(Directory.Exists(path));
    }

    [Theory]
    [InlineData("pipe", "a pipe")]
    [InlineData("/dev/zero", "a device")]
    public void A_store_whose_mark_is_a_pipe_or_a_device_is_refused_and_not_waited_for(string mark, string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the names of devices are Linux's");
        Odd.Put(mark, Path.Combine(_folder, "store.json"));
        Assert.Contains(kind, Assert.Throws<WorkbookException>(() => RunStore.Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("size=100k", "", "No space left")]
    [InlineData("size=100m", "mount -o remount,ro \"$1\"", "Read-only file system")]
    public void A_full_or_read_only_disk_ends_in_one_clear_line(string options, string afterwards, string fault)
    {
        Assert.SkipUnless(FullDisk.IsToBeHad(_folder), FullDisk.Needs);
        (int exitCode, string error) = FullDisk.Run(_folder, options, $"{afterwards}\n\"$2\"", StoreChild.Start(_folder, 1));
        Assert.Equal(2, exitCode);
        string line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(fault, line, StringComparison.Ordinal);
        Assert.Contains("make room or name another folder with WORKBOOK_RUNS", line, StringComparison.Ordinal);
    }
}
