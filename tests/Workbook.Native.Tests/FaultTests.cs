using System.Runtime.Versioning;
using Workbook.Native;
using Xunit;

namespace Workbook.Tests;

public sealed class FaultTests : IDisposable
{
    private readonly string _common = Directory.CreateTempSubdirectory("workbook-cache-").FullName;

    public void Dispose() => Directory.Delete(_common, recursive: true);

    [Theory]
    [InlineData("\u001b[2Jgone", " [2Jgone")]
    [InlineData("two\r\nlines\u2028three", "two lines three")]
    [InlineData("bell\u0007, back\b, c1\u009b", "bell , back , c1 ")]
    [InlineData("Gewicht ü 权重 🙂", "Gewicht ü 权重 🙂")]
    public void A_message_is_one_line_that_can_not_steer_a_terminal(string foreign, string shown)
    {
        Assert.Equal(shown, new WorkbookException(foreign).Message);
        Assert.Equal($"no {shown}", new WorkbookException($"no {foreign}").Message);
    }

    [Fact]
    public void The_numbers_of_a_message_are_the_same_in_every_culture()
    {
        using OddCulture odd = new();
        Assert.Equal("-1.5 of 12,345.6, 10.00 %", new WorkbookException($"{-1.5} of {12345.6:N1}, {0.1:P2}").Message);
        Assert.Equal("-7", new WorkbookException($"{-7}").Message);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")] // but for being skipped there
    public void A_cache_in_the_common_folder_is_made_private_and_one_that_others_could_fill_is_refused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the common temporary folder is Unix's");
        string cache = CacheRoot.InCommon(_common), data = Path.Combine(cache, "data");
        CacheRoot.Check(data, _common);
        CacheRoot.Check(cache, _common);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(cache));

        File.SetUnixFileMode(cache, File.GetUnixFileMode(cache) | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute);
        Refused();
        Directory.Delete(cache);
        Directory.CreateDirectory(Path.Combine(_common, "elsewhere"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.CreateSymbolicLink(cache, Path.Combine(_common, "elsewhere"));
        Refused();
        File.Delete(cache);
        File.WriteAllText(cache, "");
        Refused();
        CacheRoot.Check(Path.Combine(_common, "chosen by the user"), _common);

        void Refused()
        {
            string message = Assert.Throws<WorkbookException>(() => CacheRoot.Check(data, _common)).Message;
            Assert.Contains(cache, message);
            Assert.Contains("WORKBOOK_CACHE", message);
        }
    }

    [Fact]
    [UnsupportedOSPlatform("windows")] // but for being skipped there
    public void A_cache_of_somebody_else_is_refused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "only root can give a folder to somebody else");
        string cache = CacheRoot.InCommon(_common);
        CacheRoot.Check(cache, _common);
        using (var given = System.Diagnostics.Process.Start("chown", ["65534", cache]))
        {
            given.WaitForExit();
        }

        Assert.Contains("somebody else's", Assert.Throws<WorkbookException>(() => CacheRoot.Check(cache, _common)).Message);
    }
}
