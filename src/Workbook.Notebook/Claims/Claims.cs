namespace Workbook.Notebook;

/// <summary>
/// Makes claims, judged on the mean over seeds, for the data set and profile of <see cref="Lab.Context"/>; show them with <c>.Show()</c>.
/// </summary>
public static class Claims
{
    private static readonly string[] s_topics = ["pruning.", "structure.", "lottery.", "gradient-flow.", "saliency.", "transformer."];

    /// <summary>A claim of this workbook; if it does not hold, the run fails.</summary>
    /// <param name="id">Unique, begins with its topic, for example "pruning.fine-tuned-90".</param>
    /// <param name="statement">What is claimed, one sentence that can be read alone; its threshold stands in the expectation.</param>
    /// <param name="perSeed">What was measured: <c>dense - accuracy["fine-tuned", 0.9]</c>.</param>
    /// <param name="expected">What the mean should be, on each data set that has no expectation of its own.</param>
    /// <param name="digits">What it should be on the built-in digits; <see cref="Expect.Nothing"/> where they can't show it.</param>
    /// <param name="fashion">What it should be on Fashion-MNIST; <see cref="Expect.Nothing"/> where it can't show it.</param>
    /// <param name="profiles">The profiles that can test it; all, if left out.</param>
    /// <exception cref="WorkbookException">The id's topic is unknown, or there is no seed.</exception>
    public static Claim Ours(
        string id, string statement, PerSeed perSeed, Expectation expected,
        Expectation? digits = null, Expectation? fashion = null, IEnumerable<string>? profiles = null)
    {
        ArgumentNullException.ThrowIfNull(perSeed);
        ArgumentNullException.ThrowIfNull(expected);
        return Ours(id, statement, perSeed, expected, expected.Unit, digits, fashion, profiles, perSeed.Seeds);
    }

    /// <summary>As the other overload, for values that come without their seeds.</summary>
    /// <param name="id">Unique, begins with its topic.</param>
    /// <param name="statement">What is claimed.</param>
    /// <param name="perSeed">What was measured, one value a seed.</param>
    /// <param name="expected">What the mean should be.</param>
    /// <param name="unit">The numbers' unit.</param>
    /// <param name="digits">As there.</param>
    /// <param name="fashion">As there.</param>
    /// <param name="profiles">As there.</param>
    /// <param name="seeds">The seeds of the values; the run's, if left out.</param>
    /// <exception cref="WorkbookException">The id's topic is unknown, there are no values, or not one for each seed.</exception>
    public static Claim Ours(
        string id, string statement, IEnumerable<double> perSeed, Expectation expected, string unit = "",
        Expectation? digits = null, Expectation? fashion = null, IEnumerable<string>? profiles = null, IEnumerable<int>? seeds = null)
    {
        double[] values = [.. perSeed];
        Summary summary = Summary.Of(values);
        Claim claim = Begin(id, "ours", statement, unit.Length > 0 ? unit : expected.Unit, summary.Mean, summary.Deviation, SeedsOf(id, values.Length, seeds));
        return Judge(claim, expected, digits, fashion, profiles);
    }

    /// <summary>
    /// A paper's number beside ours; never decides whether a run fails. It is given only where the setting is the paper's: on another data set,
    /// in another profile, or where the notebook says what differs, it is not measured here.
    /// </summary>
    /// <param name="id">Unique, begins with its topic.</param>
    /// <param name="statement">What the number is, one sentence.</param>
    /// <param name="paper">The paper's number.</param>
    /// <param name="ours">Ours, one value a seed.</param>
    /// <param name="source">Paper and table, for example "Han et al. 2015, table 1".</param>
    /// <param name="unit">The numbers' unit.</param>
    /// <param name="seeds">The seeds of the values; those of a <see cref="PerSeed"/>, else the run's, if left out.</param>
    /// <param name="dataset">The paper's data set.</param>
    /// <param name="profile">The profile that follows the paper's recipe.</param>
    /// <param name="differs">What else of the setting is not the paper's, for example "the rounds taken end at 10 %"; null where nothing is.</param>
    /// <exception cref="WorkbookException">The id's topic is unknown, there are no values, or not one for each seed.</exception>
    public static Claim Published(
        string id, string statement, double paper, IEnumerable<double> ours, string source, string unit = "",
        IEnumerable<int>? seeds = null, string dataset = "mnist", string profile = "paper", string? differs = null)
    {
        double[] values = [.. ours];
        Summary summary = Summary.Of(values);
        Claim claim = Begin(id, "published", statement, unit, summary.Mean, summary.Deviation,
            SeedsOf(id, values.Length, seeds ?? (ours as PerSeed)?.Seeds)) with
        {
            Expected = WithUnit(Claim.Format(paper), unit),
            Difference = summary.Mean - paper,
            Source = source,
        };
        string? why = claim.Dataset != dataset ? $"needs the data set {dataset}" : claim.Profile != profile ? $"needs profile {profile}" : differs;
        return why is null ? claim : claim with
        {
            Measured = double.NaN,
            Spread = double.NaN,
            Difference = null,
            Seeds = [],
            Note = $"not measured here ({why})"
        };
    }

    /// <summary>A claim about time, judged on the median of pairs; measured once more before it is said to fail.</summary>
    /// <param name="id">Unique, begins with its topic.</param>
    /// <param name="statement">What is claimed, one sentence.</param>
    /// <param name="measure">One ratio (or time) a pair, for example <c>() => Timing.AlternatingRatios(sparse, dense, 9)</c>.</param>
    /// <param name="expected">What the median should be; leave a wide margin for other machines.</param>
    /// <param name="unit">The numbers' unit.</param>
    /// <param name="profiles">The profiles that can test it; all, if left out.</param>
    /// <exception cref="WorkbookException">The id's topic is unknown, or nothing was measured.</exception>
    public static Claim Timed(string id, string statement, Func<double[]> measure, Expectation expected, string unit = "", IEnumerable<string>? profiles = null)
    {
        Claim claim = Once();
        return claim.Holds == false ? Once() with { Note = "measured twice" } : claim;

        Claim Once()
        {
            double[] values = measure();
            double spread = Summary.Of(values).Deviation;
            return Judge(Begin(id, "ours", statement, unit.Length > 0 ? unit : expected.Unit, Timing.Median(values), spread, []), expected, profiles: profiles);
        }
    }

    private static Claim Judge(
        Claim claim, Expectation expected, Expectation? digits = null, Expectation? fashion = null, IEnumerable<string>? profiles = null)
    {
        Expectation here = claim.Dataset switch
        {
            "digits" => digits,
            "fashion-mnist" => fashion,
            _ => null,
        } ?? expected;
        if (profiles is not null && !profiles.Contains(claim.Profile))
        {
            string needed = string.Join(" or ", profiles);
            return claim with { Expected = WithUnit(here.Text, claim.Unit), Note = $"not measured here (needs profile {needed})" };
        }

        if (here.Test is null)
        {
            return claim with { Expected = "–", Note = $"not measured here ({here.Text})" };
        }

        return claim with { Expected = WithUnit(here.Text, claim.Unit), Holds = here.HoldsFor(claim.Measured) };
    }

    private static Claim Begin(string id, string kind, string statement, string unit, double measured, double spread, IReadOnlyList<int> seeds)
    {
        if (!s_topics.Any(topic => id.StartsWith(topic, StringComparison.Ordinal) && id.Length > topic.Length))
        {
            throw new WorkbookException($"claim id \"{id}\" has to begin with one of {string.Join(", ", s_topics)} and a name");
        }

        return new Claim
        {
            Id = id,
            Kind = kind,
            Statement = statement,
            Unit = unit,
            Measured = measured,
            Spread = spread,
            Expected = "",
            Dataset = RunContext.Current.Dataset,
            Profile = RunContext.Current.Profile,
            Seeds = seeds,
        };
    }

    private static int[] SeedsOf(string id, int count, IEnumerable<int>? seeds)
    {
        int[] all = [.. seeds ?? RunContext.Current.Seeds];
        return all.Length == 0 ? [.. Enumerable.Range(0, count)]
            : all.Length == count ? all
            : throw new WorkbookException($"claim {id} has {count} values for {all.Length} seeds: give one value a seed, or name the seeds (seeds: …)");
    }

    private static string WithUnit(string text, string unit) => unit.Length == 0 ? text : $"{text} {unit}";
}
