using System.Diagnostics;
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
    [InlineData("size=100k", "", "No space left")]
    [InlineData("size=100m", "mount -o remount,ro \"$1\"", "Read-only file system")]
    public void A_full_or_read_only_disk_ends_in_one_clear_line(string options, string afterwards, string fault)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Run("true", "size=1m").ExitCode == 0, "needs Linux and the right to mount in a namespace of one's own (unshare)");
        ProcessStartInfo child = StoreChild.Start(_folder, 1);
        (int exitCode, string error) = Run($"{afterwards}\n\"$2\"", options, child.FileName, child);
        Assert.Equal(2, exitCode);
        string line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(fault, line, StringComparison.Ordinal);
        Assert.Contains("make room or name another folder with WORKBOOK_RUNS", line, StringComparison.Ordinal);
    }

    /// <summary>A script's end in a namespace where the folder is a file system of its own.</summary>
    private (int ExitCode, string Error) Run(string script, string options, string program = "", ProcessStartInfo? like = null)
    {
        ProcessStartInfo start = new("unshare", ["-rm", "sh", "-c", $"mount -t tmpfs -o {options} none \"$1\" || exit 99\n{script}", "sh", _folder, program])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        foreach ((string name, string? value) in like?.Environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        try
        {
            using Process process = Process.Start(start)!;
            Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, error);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (99, "");
        }
    }
}
