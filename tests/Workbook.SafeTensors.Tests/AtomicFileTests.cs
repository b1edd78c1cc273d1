using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using Xunit;

namespace Workbook.Tests;

[UnsupportedOSPlatform("windows")] // but for being skipped there
public sealed class AtomicFileTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string In(params string[] parts) => Path.Combine([_folder.Path, .. parts]);

    private static void Write(string path, string text) => AtomicFile.Write(path, Encoding.UTF8.GetBytes(text));

    private static void SkipOnWindows() => Assert.SkipWhen(OperatingSystem.IsWindows(), "modes, pipes and links for everybody are Unix's");

    [Theory]
    [InlineData("target")]
    [InlineData("./target")]
    [InlineData("inner/../target")]
    [InlineData("second")]
    [InlineData("inner/up")]
    public void What_a_link_leads_to_is_written_and_the_link_stays(string leadsTo)
    {
        SkipOnWindows();
        Directory.CreateDirectory(In("inner"));
        Write(In("target"), "old");
        File.CreateSymbolicLink(In("second"), In("target"));
        File.CreateSymbolicLink(In("inner", "up"), "../target");
        File.CreateSymbolicLink(In("latest"), leadsTo);
        Write(In("latest"), "new");
        Assert.Equal((leadsTo, "new"), (new FileInfo(In("latest")).LinkTarget, File.ReadAllText(In("target"))));
        Assert.Null(new FileInfo(In("target")).LinkTarget);
        Assert.Equal(["inner", "latest", "second", "target"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_relative_link_in_a_linked_folder_counts_from_where_the_folder_really_is()
    {
        SkipOnWindows();
        Directory.CreateDirectory(In("far", "away", "models"));
        Directory.CreateSymbolicLink(In("models"), In("far", "away", "models"));
        File.CreateSymbolicLink(In("models", "latest"), "../best");
        Write(In("models", "latest"), "x");
        Assert.Equal("x", File.ReadAllText(In("far", "away", "best")));
        Assert.False(File.Exists(In("best")));
    }

    [Fact]
    public void A_link_to_what_is_not_there_yet_makes_it_and_one_in_a_circle_is_refused()
    {
        SkipOnWindows();
        File.CreateSymbolicLink(In("latest"), "first");
        Write(In("latest"), "x");
        Assert.Equal("x", File.ReadAllText(In("first")));
        File.CreateSymbolicLink(In("a"), "b");
        File.CreateSymbolicLink(In("b"), "a");
        SafeTensorsTests.Fault(() => Write(In("a"), "x"), In("a"));
        File.CreateSymbolicLink(In("astray"), "no folder/first");
        SafeTensorsTests.Fault(() => Write(In("astray"), "x"), "no folder");
    }

    [Theory]
    [InlineData(Private)]
    [InlineData(Private | UnixFileMode.GroupRead)]
    [InlineData(Private | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite)]
    [InlineData(Private | UnixFileMode.UserExecute | UnixFileMode.OtherExecute)]
    public void A_file_keeps_its_mode_and_nobody_else_can_read_it_while_it_is_written(UnixFileMode mode)
    {
        SkipOnWindows();
        string path = In("model");
        Write(path, "old");
        File.SetUnixFileMode(path, mode);
        AtomicFile.Write(path, stream =>
        {
            stream.WriteByte(1);
            Assert.Equal(mode, File.GetUnixFileMode(Directory.GetFiles(_folder.Path, "*.tmp").Single()));
        });
        Assert.Equal((mode, 1L), (File.GetUnixFileMode(path), new FileInfo(path).Length));
    }

    [Fact]
    public void A_write_protected_file_stays_as_it_is()
    {
        SkipOnWindows();
        Write(In("model"), "old");
        File.SetUnixFileMode(In("model"), UnixFileMode.UserRead | UnixFileMode.GroupRead);
        SafeTensorsTests.Fault(() => Write(In("model"), "new"), In("model"), "write-protected");
        Assert.Equal("old", File.ReadAllText(In("model")));
    }

    [Theory]
    [InlineData("/dev/null", "a device")]
    [InlineData("/dev/full", "a device")]
    [InlineData("pipe", "a pipe")]
    [InlineData("folder", "a folder")]
    public void Devices_pipes_and_folders_are_neither_written_nor_read_nor_replaced_also_through_a_link(string target, string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the names of devices are Linux's");
        Directory.CreateDirectory(In("folder"));
        MakePipe(In("pipe"));
        string path = Path.Combine(_folder.Path, target);
        File.CreateSymbolicLink(In("link"), path);
        foreach (string name in (string[])[path, In("link")])
        {
            SafeTensorsTests.Fault(() => Write(name, "x"), name, kind, "can't write");
            SafeTensorsTests.Fault(() => SafeTensors.Read(name), name, kind, "can't read");
        }

        Assert.Equal(["folder", "link", "pipe"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void What_a_killed_writer_left_is_gone_after_the_next_write_and_a_living_writers_file_is_not()
    {
        string path = In(new string('ä', 120)), left = "", living = "";
        Write(path, "first");
        AtomicFile.Write(path, stream =>
        {
            living = Directory.GetFiles(_folder.Path, "*.tmp").Single();
            left = living[..^36] + new string('0', 32) + ".tmp";
            File.WriteAllText(left, "half");
            Array.ForEach([left, living], file => File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddHours(-1)));
            Write(path, "second");
            Assert.False(File.Exists(left));
            Assert.True(File.Exists(living));
            stream.Write("third"u8);
        });
        Assert.Equal("third", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
    }

    private static void MakePipe(string path)
    {
        using Process process = Process.Start("mkfifo", [path]);
        process.WaitForExit();
    }
}
