using Workbook.Cli.Browsing;
using Xunit;

namespace Workbook.Cli.Tests.Browsing;

public class BrowserFinderTests
{
    private static string InPath(string name) => Path.Combine(Path.GetTempPath(), "bin", name + (OperatingSystem.IsWindows() ? ".exe" : ""));

    private static string? Find(Dictionary<string, string> variables, params string[] files) =>
        BrowserFinder.Find(name => name == "PATH" ? Path.Combine(Path.GetTempPath(), "bin") : variables.GetValueOrDefault(name), files.Contains);

    [Fact]
    public void The_variable_comes_first_then_the_path_then_well_known_places()
    {
        string wellKnown = OperatingSystem.IsWindows() ? @"C:\Programs\Google\Chrome\Application\chrome.exe"
            : OperatingSystem.IsMacOS() ? "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" : "/opt/google/chrome/chrome";
        Dictionary<string, string> variables = new() { ["ProgramFiles"] = @"C:\Programs" };
        string edge = InPath("microsoft-edge"), chromium = InPath("chromium");

        Assert.Null(Find(variables));
        Assert.Equal(wellKnown, Find(variables, wellKnown));
        Assert.Equal(edge, Find(variables, wellKnown, edge));
        Assert.Equal(chromium, Find(variables, wellKnown, edge, chromium));
        variables["WORKBOOK_BROWSER"] = "mine";
        Assert.Equal("mine", Find(variables, "mine", chromium));
    }

    [Fact]
    public void A_variable_that_names_nothing_is_told() =>
        Assert.StartsWith("WORKBOOK_BROWSER names mine, which is not there: ",
            Assert.Throws<WorkbookException>(() => Find(new() { ["WORKBOOK_BROWSER"] = "mine" }, InPath("chromium"))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_program_that_is_no_browser_is_told_with_its_last_words()
    {
        string program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Workbook.Cli.exe" : "Workbook.Cli");
        WorkbookException fault = await Assert.ThrowsAsync<WorkbookException>(() => Browser.StartAsync(program, TestContext.Current.CancellationToken));
        Assert.StartsWith($"{program} ended at once (error: ", fault.Message, StringComparison.Ordinal);
        Assert.EndsWith("name another browser in WORKBOOK_BROWSER", fault.Message, StringComparison.Ordinal);
    }
}
