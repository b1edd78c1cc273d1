namespace Workbook;

/// <summary>A number over the steps of a training.</summary>
/// <param name="Steps">The steps at which it was taken, rising; 0 is before the first.</param>
/// <param name="Values">Its values there.</param>
public sealed record Curve(IReadOnlyList<long> Steps, IReadOnlyList<double> Values)
{
    /// <summary>The value at the last step.</summary>
    /// <exception cref="WorkbookException">The curve is empty.</exception>
    [System.Text.Json.Serialization.JsonIgnore]
    public double Last => Values.Count > 0 ? Values[^1] : throw new WorkbookException("the curve has no value");

    /// <summary>The value at one step.</summary>
    /// <exception cref="WorkbookException">It was not taken there.</exception>
    public double At(long step)
    {
        for (int i = 0; i < Steps.Count; i++)
        {
            if (Steps[i] == step)
            {
                return Values[i];
            }
        }

        throw new WorkbookException($"nothing was taken at step {step}; there are steps {string.Join(", ", Steps.Take(5))}{(Steps.Count > 5 ? ", …" : "")}");
    }
}
