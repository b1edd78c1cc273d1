using System.Globalization;
using System.Runtime.ExceptionServices;
using Workbook.Native;

namespace Workbook.Notebook;

/// <summary>What a notebook ran on: stands in every chart's caption and in every claim.</summary>
/// <param name="Dataset">The data set's id: <c>mnist</c>, <c>fashion-mnist</c> or <c>digits</c>; empty before the notebook says.</param>
/// <param name="Title">The data set's name as readers know it, for example "MNIST".</param>
/// <param name="Profile">How much is computed: <c>quick</c> or <c>paper</c>.</param>
/// <param name="Seeds">The seeds that results are averaged over.</param>
/// <param name="TrainingImages">How many images are trained on, where that is stated.</param>
/// <param name="Schedule">Network, epochs and what else a reader of a chart has to know, where that is stated.</param>
/// <param name="Hash">The data set's SHA-256, where that is stated.</param>
public sealed record RunContext(string Dataset, string Title, string Profile, IReadOnlyList<int> Seeds, int? TrainingImages = null, string? Hash = null,
    string? Schedule = null)
{
    private static RunContext? s_current;

    /// <summary>What the running notebook has said of itself.</summary>
    /// <exception cref="WorkbookException">The profile is none; or the notebook's start has failed, and its host did not say so.</exception>
    internal static RunContext Current
    {
        get
        {
            Failure?.Throw();
            return s_current ??= new("", "", ProfileOfEnvironment(), []);
        }

        set => s_current = value;
    }

    /// <summary>Why the notebook's start has failed, where its host dropped that.</summary>
    internal static ExceptionDispatchInfo? Failure { get; set; }

    /// <summary>For example "MNIST · quick profile · 5 seeds (0–4) · 20,000 training images".</summary>
    public string Caption()
    {
        List<string> parts = [];
        if (Title.Length > 0)
        {
            parts.Add(Title);
        }

        parts.Add($"{Profile} profile");
        if (Seeds.Count > 0)
        {
            parts.Add(SeedsText());
        }

        if (TrainingImages is int images)
        {
            parts.Add(FormattableString.Invariant($"{images:#,0} training images"));
        }

        if (!string.IsNullOrEmpty(Schedule))
        {
            parts.Add(Schedule);
        }

        if (!string.IsNullOrEmpty(Hash))
        {
            parts.Add($"SHA-256 {Hash[..Math.Min(8, Hash.Length)]}…");
        }

        return string.Join(" · ", parts);
    }

    private string SeedsText()
    {
        if (Seeds.Count == 1)
        {
            return FormattableString.Invariant($"seed {Seeds[0]}");
        }

        bool run = Seeds.Zip(Seeds.Skip(1), (a, b) => b == a + 1).All(next => next);
        IEnumerable<string> shown = (run ? [Seeds[0], Seeds[^1]] : Seeds).Select(seed => seed.ToString(CultureInfo.InvariantCulture));
        return $"{Seeds.Count} seeds ({string.Join(run ? "–" : ", ", shown)})";
    }

    /// <exception cref="WorkbookException">The variable names none.</exception>
    internal static string ProfileOfEnvironment()
    {
        string? profile = EnvironmentVariables.Find(EnvironmentVariables.Profile);
        return profile switch
        {
            null => "quick",
            "quick" or "paper" => profile,
            _ => throw new WorkbookException($"{EnvironmentVariables.Profile}={profile}: there are the profiles quick and paper"),
        };
    }
}
