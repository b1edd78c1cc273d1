using Xunit;

namespace Workbook.Cli.Tests.Rules;

/// <summary>What programs can call: a change of it is seen in a review, line by line, in the files beside this one.</summary>
public sealed class ApiRules
{
    private const string Renewal = "WORKBOOK_RENEW_API";
    private const string Command = $"{Renewal}=1 dotnet run --project tests/Workbook.Cli.Tests -- -class '*.{nameof(ApiRules)}'";

    public static TheoryData<string> Packages => [.. Projects.Names.Where(Projects.IsPackage)];

    [Theory]
    [MemberData(nameof(Packages))]
    public void The_public_members_are_those_that_are_written_down(string project)
    {
        string path = FileOf(project);
        string[] now = [.. PublicApi.Of(Projects.AssemblyOf(project))];
        if (Environment.GetEnvironmentVariable(Renewal) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, string.Concat(now.Select(line => line + "\n")));
        }

        string[] written = File.Exists(path) ? File.ReadAllLines(path) : [];
        string[] changes = [.. written.Except(now).Select(line => "- " + line), .. now.Except(written).Select(line => "+ " + line)];
        string advice = $"the public API of {project} has changed; if it was meant to, renew its file with\n{Command}\n\n";
        Assert.True(changes.Length == 0, advice + string.Join('\n', changes));
    }

    [Fact]
    public void Only_packages_have_such_a_file() =>
        Assert.Equal(
            Projects.Names.Where(Projects.IsPackage).Select(FileOf).Order(StringComparer.Ordinal),
            Directory.GetFiles(Path.GetDirectoryName(FileOf(Projects.Core))!).Order(StringComparer.Ordinal));

    /// <summary>What there is to write down: kinds of members, optional arguments, what may be null.</summary>
    public sealed class Sample
    {
        internal static readonly string[] Lines =
        [
            "sealed class ApiRules.Sample",
            "ApiRules.Sample.Given(params int[] counts) : void",
            "ApiRules.Sample.Map : IReadOnlyDictionary<string, double?>? { get; init; }",
            "ApiRules.Sample.Sample(string text)",
            "ApiRules.Sample.Sum<T>(T first, string? name = null, double scale = 0.5) : T (static)",
        ];

        public Sample(string text) => _ = text;

        public IReadOnlyDictionary<string, double?>? Map { get; init; }

        public static T Sum<T>(T first, string? name = null, double scale = 0.5) => first;

        public void Given(params int[] counts) => _ = Map ?? (object)counts;

        internal static int Hidden => 1;
    }

    [Fact]
    public void A_member_is_a_line() => Assert.Equal(Sample.Lines, PublicApi.Of(typeof(Sample)));

    private static string FileOf(string project) => Repository.PathOf("tests", "Workbook.Cli.Tests", "Rules", "Api", project + ".txt");
}
